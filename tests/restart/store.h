/* A table of flows that outlives the process: a row for each person who is to be asked.
 *
 *   id, request      who is asked: a JSON object of request parameters
 *   started          0 before anybody may have been asked
 *   revision, saved  the flow as it was saved last; only a higher revision replaces it
 *   outcome          the name of a status, once there is one
 *
 * An error ends the program: what was not committed did not happen.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

struct store;

struct row {
  int id, started;
  int64_t revision;
  const char *request, *outcome; /* outcome: NULL if there is none */
  const uint8_t *saved;          /* NULL if there is none */
  size_t length;
};

struct store *store_open(const char *where);
void store_close(struct store *store);

void store_create(struct store *store);
void store_insert(struct store *store, int id, const char *request);
/* Calls `each` with every row, in the order of their ids; what it is given lives until it returns. */
void store_read(struct store *store, void (*each)(void *userdata, const struct row *row), void *userdata);

void store_begin(struct store *store);
void store_commit(struct store *store);

/* Each says whether the row was as the caller thinks: 0 means that another process has it. */
int store_start(struct store *store, int id);
int store_save(struct store *store, int id, int64_t revision, const uint8_t *saved, size_t length);
int store_end(struct store *store, int id, int64_t revision, const char *outcome);

#endif
