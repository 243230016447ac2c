/* The table in SQLite.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "store.h"

#define PATIENCE_MS 30000 /* while another process writes */

struct store {
  sqlite3 *database;
};

static int good(struct store *store, int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
    return code;
  fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(store->database));
  exit(1);
}

static sqlite3_stmt *prepare(struct store *store, const char *sql) {
  sqlite3_stmt *statement;
  good(store, sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL));
  return statement;
}

/* Runs a statement once and returns how many rows it changed. */
static int change(struct store *store, sqlite3_stmt *statement) {
  good(store, sqlite3_step(statement));
  good(store, sqlite3_finalize(statement));
  return sqlite3_changes(store->database);
}

static void run(struct store *store, const char *sql) {
  good(store, sqlite3_exec(store->database, sql, NULL, NULL, NULL));
}

struct store *store_open(const char *where) {
  struct store *store = malloc(sizeof *store);
  good(store, sqlite3_open(where, &store->database));
  sqlite3_busy_timeout(store->database, PATIENCE_MS);
  run(store, "PRAGMA journal_mode = WAL");
  run(store, "PRAGMA synchronous = NORMAL");
  return store;
}

void store_close(struct store *store) {
  sqlite3_close(store->database);
  free(store);
}

void store_create(struct store *store) {
  run(store, "CREATE TABLE flow (id INTEGER PRIMARY KEY, request TEXT NOT NULL, started INTEGER NOT NULL DEFAULT 0, "
             "revision INTEGER NOT NULL DEFAULT 0, saved BLOB, outcome TEXT)");
}

void store_insert(struct store *store, int id, const char *request) {
  sqlite3_stmt *statement = prepare(store, "INSERT INTO flow (id, request) VALUES (?1, ?2)");
  sqlite3_bind_int(statement, 1, id);
  sqlite3_bind_text(statement, 2, request, -1, SQLITE_TRANSIENT);
  change(store, statement);
}

void store_read(struct store *store, void (*each)(void *userdata, const struct row *row), void *userdata) {
  const char *sql = "SELECT id, started, revision, request, outcome, saved FROM flow ORDER BY id";
  sqlite3_stmt *statement = prepare(store, sql);
  while (good(store, sqlite3_step(statement)) == SQLITE_ROW) {
    struct row row = {0};
    row.id = sqlite3_column_int(statement, 0);
    row.started = sqlite3_column_int(statement, 1);
    row.revision = sqlite3_column_int64(statement, 2);
    row.request = (const char *)sqlite3_column_text(statement, 3);
    row.outcome = (const char *)sqlite3_column_text(statement, 4);
    row.saved = sqlite3_column_blob(statement, 5);
    row.length = (size_t)sqlite3_column_bytes(statement, 5);
    each(userdata, &row);
  }
  sqlite3_finalize(statement);
}

void store_begin(struct store *store) {
  run(store, "BEGIN IMMEDIATE");
}

void store_commit(struct store *store) {
  run(store, "COMMIT");
}

int store_start(struct store *store, int id) {
  sqlite3_stmt *statement = prepare(store, "UPDATE flow SET started = 1 WHERE id = ?1 AND started = 0");
  sqlite3_bind_int(statement, 1, id);
  return change(store, statement);
}

int store_save(struct store *store, int id, int64_t revision, const uint8_t *saved, size_t length) {
  sqlite3_stmt *statement = prepare(store, "UPDATE flow SET revision = ?2, saved = ?3 "
                                           "WHERE id = ?1 AND revision < ?2 AND outcome IS NULL");
  sqlite3_bind_int(statement, 1, id);
  sqlite3_bind_int64(statement, 2, revision);
  sqlite3_bind_blob(statement, 3, saved, (int)length, SQLITE_TRANSIENT);
  return change(store, statement);
}

int store_end(struct store *store, int id, int64_t revision, const char *outcome) {
  sqlite3_stmt *statement = prepare(store, "UPDATE flow SET outcome = ?3, saved = NULL "
                                           "WHERE id = ?1 AND revision = ?2 AND outcome IS NULL");
  sqlite3_bind_int(statement, 1, id);
  sqlite3_bind_int64(statement, 2, revision);
  sqlite3_bind_text(statement, 3, outcome, -1, SQLITE_TRANSIENT);
  return change(store, statement);
}
