/* The table in PostgreSQL.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "store.h"

struct store {
  PGconn *connection;
};

static void give_up(struct store *store) {
  fprintf(stderr, "PostgreSQL: %s\n", PQerrorMessage(store->connection));
  exit(1);
}

/* Runs a statement with so many values; the last one may be bytes. */
static PGresult *run(struct store *store, const char *sql, int count, const char *const *values, size_t bytes) {
  int lengths[3] = {0, 0, 0}, formats[3] = {0, 0, 0};
  PGresult *result;
  if (bytes) {
    lengths[count - 1] = (int)bytes;
    formats[count - 1] = 1;
  }
  result = PQexecParams(store->connection, sql, count, NULL, values, lengths, formats, 1);
  if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
    give_up(store);
  return result;
}

/* The same; returns how many rows it changed. */
static int change(struct store *store, const char *sql, int count, const char *const *values, size_t bytes) {
  PGresult *result = run(store, sql, count, values, bytes);
  int changed = atoi(PQcmdTuples(result));
  PQclear(result);
  return changed;
}

static const char *text(char room[24], int64_t number) {
  snprintf(room, 24, "%" PRId64, number);
  return room;
}

struct store *store_open(const char *where) {
  struct store *store = malloc(sizeof *store);
  store->connection = PQconnectdb(where);
  if (PQstatus(store->connection) != CONNECTION_OK)
    give_up(store);
  return store;
}

void store_close(struct store *store) {
  PQfinish(store->connection);
  free(store);
}

void store_create(struct store *store) {
  change(store, "CREATE TABLE flow (id int PRIMARY KEY, request text NOT NULL, started int NOT NULL DEFAULT 0, "
                "revision bigint NOT NULL DEFAULT 0, saved bytea, outcome text)", 0, NULL, 0);
}

void store_insert(struct store *store, int id, const char *request) {
  char room[24];
  const char *values[] = {text(room, id), request};
  change(store, "INSERT INTO flow (id, request) VALUES ($1::int, $2)", 2, values, 0);
}

void store_read(struct store *store, void (*each)(void *userdata, const struct row *row), void *userdata) {
  /* Numbers as text, bytes as they are. */
  const char *sql = "SELECT id::text, started::text, revision::text, request, outcome, saved FROM flow ORDER BY id";
  PGresult *result = run(store, sql, 0, NULL, 0);
  int at;
  for (at = 0; at < PQntuples(result); at++) {
    struct row row = {0};
    row.id = atoi(PQgetvalue(result, at, 0));
    row.started = atoi(PQgetvalue(result, at, 1));
    row.revision = strtoll(PQgetvalue(result, at, 2), NULL, 10);
    row.request = PQgetvalue(result, at, 3);
    row.outcome = PQgetisnull(result, at, 4) ? NULL : PQgetvalue(result, at, 4);
    row.saved = PQgetisnull(result, at, 5) ? NULL : (const uint8_t *)PQgetvalue(result, at, 5);
    row.length = (size_t)PQgetlength(result, at, 5);
    each(userdata, &row);
  }
  PQclear(result);
}

void store_begin(struct store *store) {
  change(store, "BEGIN", 0, NULL, 0);
}

void store_commit(struct store *store) {
  change(store, "COMMIT", 0, NULL, 0);
}

int store_start(struct store *store, int id) {
  char room[24];
  const char *values[] = {text(room, id)};
  return change(store, "UPDATE flow SET started = 1 WHERE id = $1::int AND started = 0", 1, values, 0);
}

int store_save(struct store *store, int id, int64_t revision, const uint8_t *saved, size_t length) {
  char rooms[2][24];
  const char *values[] = {text(rooms[0], id), text(rooms[1], revision), (const char *)saved};
  return change(store, "UPDATE flow SET revision = $2::bigint, saved = $3::bytea "
                       "WHERE id = $1::int AND revision < $2::bigint AND outcome IS NULL", 3, values, length);
}

int store_end(struct store *store, int id, int64_t revision, const char *outcome) {
  char rooms[2][24];
  const char *values[] = {text(rooms[0], id), text(rooms[1], revision), outcome};
  return change(store, "UPDATE flow SET outcome = $3, saved = NULL "
                       "WHERE id = $1::int AND revision = $2::bigint AND outcome IS NULL", 3, values, 0);
}
