/* Asks many people at once, from one thread, and survives being restarted.
 *
 *   CIBA_CLIENT_SECRET=… CIBA_SAVED_FLOW_KEYS=id:key call_centre FOLDER SETTING=VALUE… < people
 *
 * Each line of standard input is one person: a JSON object of request parameters, for example
 *
 *   {"login_hint": "+4799988777"}
 *
 * FOLDER keeps one file for each person who was asked: "7.saved" while nobody has answered, "7.done" with
 * the outcome. Killed at any moment and started again with the same lines, the program goes on with those
 * who are being asked and rings nobody's phone twice. Ctrl-C hands everything over to the next start.
 * Exit code: 0 all have an outcome, 1 error, 130 interrupted.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L /* for getline(), fsync(), sigaction() */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ciba.h>

#define MOST_SAVED_BYTES 65536

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  interrupted = 1;
}

/* One person, and how far the asking is. */
struct call {
  int number;
  char *parameters;
  ciba_flow *flow;
};

struct desk {
  const char *folder;
  ciba_client *client;
  ciba_set *set;
  int waiting, approved, denied, other;
};

static int fail(const char *what, ciba_status status, ciba_error *err) {
  fprintf(stderr, "call_centre: %s: %s: %s\n", what, ciba_status_name(status),
          err ? ciba_error_message(err) : ciba_status_text(status));
  ciba_error_free(err);
  return 1;
}

static void path_of(char path[static 512], const struct desk *desk, int number, const char *suffix) {
  snprintf(path, 512, "%s/%d.%s", desk->folder, number, suffix);
}

/* Replaces a file as a whole: after a crash the old one is there, or the new one. */
static int write_file(const struct desk *desk, int number, const char *suffix, const void *bytes, size_t length) {
  char path[512], part[512];
  FILE *file;
  int ok;
  path_of(path, desk, number, suffix);
  path_of(part, desk, number, "part");
  file = fopen(part, "wb");
  if (!file)
    return 0;
  ok = fwrite(bytes, 1, length, file) == length && fflush(file) == 0 && fsync(fileno(file)) == 0;
  ok = fclose(file) == 0 && ok;
  return ok && rename(part, path) == 0;
}

static int exists(const struct desk *desk, int number, const char *suffix) {
  char path[512];
  path_of(path, desk, number, suffix);
  return access(path, F_OK) == 0;
}

static void remove_file(const struct desk *desk, int number, const char *suffix) {
  char path[512];
  path_of(path, desk, number, suffix);
  remove(path);
}

/* The number of a call is what its saved flow is bound to: one person's file is no good as another's. */
static const char *context_of(const struct call *call, char context[static 32]) {
  snprintf(context, 32, "call %d", call->number);
  return context;
}

static int keep(const struct desk *desk, const struct call *call, ciba_saved_flow *saved) {
  size_t length;
  const uint8_t *bytes = ciba_saved_flow_bytes(saved, &length);
  int ok = write_file(desk, call->number, "saved", bytes, length);
  if (!ok)
    fprintf(stderr, "call_centre: cannot write below %s: %s\n", desk->folder, strerror(errno));
  ciba_saved_flow_free(saved);
  return ok;
}

static int checkpoint(const struct desk *desk, const struct call *call) {
  char context[32];
  ciba_saved_flow *saved;
  ciba_error *err;
  ciba_status status = ciba_flow_checkpoint(call->flow, context_of(call, context), &saved, &err);
  if (status == CIBA_NOT_SAVEABLE) { /* it has its outcome already, and the set will tell of it */
    ciba_error_free(err);
    return 1;
  }
  return status == CIBA_OK ? keep(desk, call, saved) : !fail("save", status, err);
}

/* Goes on with a call that an earlier run was asking for. */
static int resume(struct desk *desk, struct call *call) {
  static uint8_t bytes[MOST_SAVED_BYTES];
  char path[512], context[32];
  ciba_error *err;
  ciba_status status;
  size_t length;
  FILE *file;
  path_of(path, desk, call->number, "saved");
  file = fopen(path, "rb");
  if (!file)
    return !fail(path, CIBA_FILE, NULL);
  length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  status = ciba_flow_resume(desk->client, bytes, length, context_of(call, context), &call->flow, &err);
  return status == CIBA_OK || !fail(path, status, err);
}

/* Asks a person for the first time. Saved before the provider's answer is here and again behind it: a
 * crash in between leaves a call whose start is unknown, never one that rings twice. */
static int start(struct desk *desk, struct call *call) {
  ciba_request *request = ciba_request_new();
  ciba_error *err;
  ciba_status status = ciba_request_set_json(request, call->parameters, &err);
  if (status == CIBA_OK)
    status = ciba_init(desk->client, request, 0, &call->flow, &err);
  ciba_request_free(request);
  if (!call->flow)
    return !fail("start", status, err);
  ciba_error_free(err);
  if (!checkpoint(desk, call))
    return 0;
  ciba_step(call->flow, -1, NULL); /* waits for the answer; a start that failed is told of by the set */
  return checkpoint(desk, call);
}

/* Writes down how a call ended, then forgets what it was resumed from. */
static int finish(struct desk *desk, struct call *call) {
  char line[512];
  ciba_tokens *tokens = NULL;
  ciba_error *err = NULL;
  ciba_status status = ciba_poll(call->flow, 0, &err);
  const char *subject = "";
  if (status == CIBA_OK && ciba_flow_tokens(call->flow, &tokens, NULL) == CIBA_OK)
    subject = ciba_tokens_claim(tokens, "sub", NULL);
  snprintf(line, sizeof line, "%s %s\n", ciba_status_name(status), subject ? subject : "");
  if (!write_file(desk, call->number, "done", line, strlen(line)))
    return 0;
  remove_file(desk, call->number, "saved");
  printf("call %d: %s", call->number, line);
  desk->waiting--;
  desk->approved += status == CIBA_OK;
  desk->denied += status == CIBA_DENIED;
  desk->other += status != CIBA_OK && status != CIBA_DENIED;
  ciba_tokens_free(tokens);
  ciba_error_free(err);
  ciba_free(call->flow);
  call->flow = NULL;
  return 1;
}

/* One thread for all of them: the set says who has answered. */
static int wait_for_all(struct desk *desk) {
  while (desk->waiting > 0 && !interrupted) {
    void *call;
    ciba_error *err;
    ciba_status status = ciba_set_wait(desk->set, 1000, &call, &err);
    if (status == CIBA_OK && !finish(desk, call))
      return 0;
    if (status != CIBA_OK && status != CIBA_PENDING)
      return !fail("wait", status, err);
    if (status == CIBA_PENDING)
      fprintf(stderr, "%d waiting, %d approved, %d denied, %d otherwise\n", desk->waiting, desk->approved,
              desk->denied, desk->other);
  }
  return 1;
}

/* Ctrl-C: whoever goes on may ask at once, since nobody asks here any more. */
static void hand_over(struct desk *desk, struct call *calls, int count) {
  int index;
  for (index = 0; index < count; index++) {
    char context[32];
    ciba_saved_flow *saved;
    struct call *call = &calls[index];
    if (call->flow && ciba_flow_hand_over(call->flow, context_of(call, context), 5000, &saved, NULL) == CIBA_OK)
      keep(desk, call, saved);
  }
}

/* Everybody who has no outcome yet is asked, or goes on being asked. */
static int run(struct desk *desk, struct call *calls, int count) {
  ciba_error *err;
  ciba_status status = ciba_set_new(desk->client, &desk->set, &err);
  int index;
  if (status != CIBA_OK)
    return fail("set", status, err);
  for (index = 0; index < count && !interrupted; index++) {
    struct call *call = &calls[index];
    if (exists(desk, call->number, "done"))
      continue;
    if (!(exists(desk, call->number, "saved") ? resume(desk, call) : start(desk, call)))
      return 1;
    status = ciba_set_add(desk->set, call->flow, call, &err);
    if (status != CIBA_OK)
      return fail("add", status, err);
    desk->waiting++;
  }
  if (!wait_for_all(desk))
    return 1;
  if (!interrupted)
    return 0;
  hand_over(desk, calls, count);
  return 130;
}

int main(int argc, char **argv) {
  struct desk desk = {0};
  struct call *calls = NULL;
  struct sigaction action;
  ciba_config *config = ciba_config_new();
  ciba_error *err = NULL;
  ciba_status status;
  char *line = NULL;
  size_t room = 0;
  int index, count = 0, exit_code = 1;

  if (argc < 2) {
    fprintf(stderr, "usage: call_centre FOLDER SETTING=VALUE... < people\n");
    ciba_config_free(config);
    return 1;
  }
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);

  desk.folder = argv[1];
  mkdir(desk.folder, 0700);
  while (getline(&line, &room, stdin) > 0) {
    struct call call = {0};
    call.number = count + 1;
    call.parameters = line;
    calls = realloc(calls, sizeof *calls * (size_t)(count + 1));
    if (!calls)
      return 1;
    calls[count++] = call;
    line = NULL;
  }
  free(line);

  status = ciba_config_set(config, "client_secret", getenv("CIBA_CLIENT_SECRET"), &err);
  if (status == CIBA_OK)
    status = ciba_config_set(config, "saved_flow_keys", getenv("CIBA_SAVED_FLOW_KEYS"), &err);
  for (index = 2; index < argc && status == CIBA_OK; index++) {
    char *equals = strchr(argv[index], '=');
    if (equals)
      *equals = '\0';
    status = ciba_config_set(config, argv[index], equals ? equals + 1 : NULL, &err);
  }
  if (status == CIBA_OK)
    status = ciba_client_new(config, &desk.client, &err);
  exit_code = status == CIBA_OK ? run(&desk, calls, count) : fail("settings", status, err);

  for (index = 0; index < count; index++) {
    ciba_free(calls[index].flow);
    free(calls[index].parameters);
  }
  free(calls);
  ciba_set_free(desk.set);
  ciba_client_free(desk.client);
  ciba_config_free(config);
  return exit_code;
}
