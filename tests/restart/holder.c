/* Holds many flows at once and keeps them in a table: the program that tests/restart/run kills.
 *
 *   holder create STORE < requests     a row for each line
 *   holder hold STORE STARTS           until every row has its outcome; STARTS: new ones per second
 *   holder show STORE                  a line for each row: id, started, revision, outcome or "-"
 *
 * The order in which things are written down:
 *   started = 1, before ciba_init(): killed behind that, nobody is asked twice
 *   saved, before the acknowledgement and behind it, again when the interval grows, and in turn
 *   outcome, as soon as the set tells of it
 * Rows that were saved are claimed by saving them anew: of two processes one has the higher revision first.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ciba.h>

#include "store.h"

#define MOST_ROWS 100000
#define MOST_AT_ONCE 64 /* starts, and outcomes, that are written down together */
#define IN_TURN 8       /* flows that are saved anew each time round */
#define WAIT_MS 10

struct held {
  int id, started, ended;
  int64_t revision, interval_ms;
  char *request;
  uint8_t *saved;
  size_t length;
  ciba_flow *flow;
};

static struct held rows[MOST_ROWS];
static int count, left; /* rows, and those without an outcome that nobody else has */
static struct store *store;
static ciba_client *client;
static ciba_set *set;

static void must(ciba_status status, ciba_error *err, const char *what) {
  if (status == CIBA_OK)
    return;
  fprintf(stderr, "%s: %s: %s\n", what, ciba_status_name(status), err ? ciba_error_message(err) : "");
  exit(1);
}

/* For who wants to kill this program just here. */
static void say(const char *what) {
  puts(what);
  fflush(stdout);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void load(void *unused, const struct row *row) {
  struct held *held = &rows[count];
  (void)unused;
  if (row->outcome || count == MOST_ROWS)
    return;
  count++;
  held->id = row->id;
  held->started = row->started;
  held->revision = row->revision;
  held->request = strdup(row->request);
  if (row->saved) {
    held->saved = malloc(row->length);
    memcpy(held->saved, row->saved, row->length);
    held->length = row->length;
  }
}

/* It has its outcome, or is another process's. */
static void done_with(struct held *held) {
  ciba_free(held->flow);
  held->flow = NULL;
  held->ended = 1;
  left--;
}

static const char *context_of(const struct held *held, char context[32]) {
  snprintf(context, 32, "row %d", held->id);
  return context;
}

/* 0: another process has the row. */
static int save(struct held *held) {
  char context[32];
  ciba_saved_flow *saved;
  ciba_error *err;
  const uint8_t *bytes;
  size_t length;
  int ours;
  ciba_status status = ciba_flow_checkpoint(held->flow, context_of(held, context), &saved, &err);
  if (status == CIBA_NOT_SAVEABLE) { /* it has ended; the set tells of it */
    ciba_error_free(err);
    return 1;
  }
  must(status, err, "checkpoint");
  held->revision = ciba_saved_flow_revision(saved);
  bytes = ciba_saved_flow_bytes(saved, &length);
  ours = store_save(store, held->id, held->revision, bytes, length);
  ciba_saved_flow_free(saved);
  return ours;
}

/* interval_ms: as it was saved; -1 before the acknowledgement. */
static void add(struct held *held, int64_t interval_ms) {
  ciba_error *err;
  held->interval_ms = interval_ms;
  must(ciba_set_add(set, held->flow, held, &err), err, "add");
}

/* Goes on with what an earlier process was asking for. */
static void claim_all(void) {
  int at;
  store_begin(store);
  for (at = 0; at < count; at++) {
    struct held *held = &rows[at];
    char context[32];
    ciba_error *err;
    ciba_status status;
    if (!held->started)
      continue;
    if (!held->saved) { /* killed before the first save: it was asked or not */
      store_end(store, held->id, held->revision, ciba_status_name(CIBA_START_UNKNOWN));
      done_with(held);
      continue;
    }
    status = ciba_flow_resume(client, held->saved, held->length, context_of(held, context), &held->flow, &err);
    must(status, err, "resume");
    if (!save(held))
      done_with(held);
  }
  store_commit(store);
  for (at = 0; at < count; at++) /* only now may they be driven */
    if (rows[at].flow)
      add(&rows[at], ciba_flow_interval_ms(rows[at].flow));
}

static void start_some(int most) {
  static int next;
  struct held *begun[MOST_AT_ONCE];
  int number = 0, at;
  ciba_error *err;
  store_begin(store);
  for (; next < count && number < most && number < MOST_AT_ONCE; next++)
    if (!rows[next].started && store_start(store, rows[next].id))
      begun[number++] = &rows[next];
  store_commit(store);
  if (!number)
    return;
  say("starting");
  for (at = 0; at < number; at++) {
    ciba_request *request = ciba_request_new();
    ciba_status status;
    must(ciba_request_set_json(request, begun[at]->request, &err), err, "request");
    status = ciba_init(client, request, 0, &begun[at]->flow, &err);
    must(status == CIBA_PENDING ? CIBA_OK : status, err, "init");
    ciba_request_free(request);
  }
  store_begin(store);
  for (at = 0; at < number; at++) {
    begun[at]->started = 1;
    if (save(begun[at]))
      add(begun[at], -1);
    else
      done_with(begun[at]);
  }
  store_commit(store);
}

/* Saves those that were acknowledged or told to slow down, and some others. */
static void save_some(void) {
  static int turn;
  int at;
  store_begin(store);
  for (at = 0; at < count; at++) {
    struct held *held = &rows[at];
    int64_t interval_ms = ciba_flow_interval_ms(held->flow);
    int in_turn = (at - turn + count) % count < IN_TURN;
    if (!held->flow || (interval_ms <= held->interval_ms && !in_turn))
      continue;
    held->interval_ms = interval_ms;
    if (!save(held))
      done_with(held);
  }
  store_commit(store);
  turn = (turn + IN_TURN) % count;
}

static void note_outcomes(void) {
  struct held *told[MOST_AT_ONCE];
  int number, at;
  ciba_error *err;
  for (number = 0; number < MOST_AT_ONCE; number++) {
    void *held;
    ciba_status status = ciba_set_wait(set, number ? 0 : WAIT_MS, &held, &err);
    if (status == CIBA_PENDING)
      break;
    must(status, err, "wait");
    told[number] = held;
  }
  if (!number)
    return;
  say("answered");
  store_begin(store);
  for (at = 0; at < number; at++) {
    store_end(store, told[at]->id, told[at]->revision, ciba_status_name(ciba_poll(told[at]->flow, 0, NULL)));
    done_with(told[at]);
  }
  store_commit(store);
}

static void hold(int starts_per_second) {
  ciba_config *config = ciba_config_new();
  ciba_error *err;
  int64_t began = now_ms();
  int started = 0;
  must(ciba_config_set_json(config, getenv("CIBA_SETTINGS"), &err), err, "settings");
  must(ciba_config_set(config, "saved_flow_keys", getenv("CIBA_SAVED_FLOW_KEYS"), &err), err, "settings");
  must(ciba_config_set(config, "saved_flow_exclusive", "true", &err), err, "settings");
  must(ciba_client_new(config, &client, &err), err, "client");
  ciba_config_free(config);
  must(ciba_set_new(client, &set, &err), err, "set");
  store_read(store, load, NULL);
  left = count;
  claim_all();
  while (left > 0) {
    int64_t due = (now_ms() - began) * starts_per_second / 1000;
    if (due > started) {
      start_some((int)(due - started));
      started = (int)due;
    }
    save_some();
    note_outcomes();
  }
  ciba_set_free(set);
  ciba_client_free(client);
}

static void show(void *unused, const struct row *row) {
  (void)unused;
  printf("%d %d %" PRId64 " %s\n", row->id, row->started, row->revision, row->outcome ? row->outcome : "-");
}

static void create(void) {
  char *line = NULL;
  size_t room = 0;
  int id;
  store_create(store);
  store_begin(store);
  for (id = 1; getline(&line, &room, stdin) > 0; id++)
    store_insert(store, id, line);
  store_commit(store);
  free(line);
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  store = store_open(argv[2]);
  if (strcmp(argv[1], "create") == 0)
    create();
  else if (strcmp(argv[1], "hold") == 0 && argc == 4)
    hold(atoi(argv[3]));
  else
    store_read(store, show, NULL);
  store_close(store);
  return 0;
}
