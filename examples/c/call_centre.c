/* Asks many people at once, from one thread, and survives being restarted.
 *
 *   CIBA_CLIENT_SECRET=… CIBA_SAVED_FLOW_KEYS=id:key call_centre FOLDER SETTING=VALUE… < people
 *
 * Each line of standard input is one person: a JSON object of request parameters, for example
 *
 *   {"login_hint": "+4799988777"}
 *
 * FOLDER keeps a file for each person who was asked: "7.saved" while nobody has answered, "7.done" with the
 * outcome. Started again with the same lines, the program goes on with those who are being asked, and rings
 * nobody's phone twice: also when it was killed. Ctrl-C hands everything over to the next start.
 * Exit code: 0 all have an outcome, 1 error, 130 interrupted.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L /* for getline(), fsync(), sigaction() */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ciba.h>

enum { DONE = 0, FAILED = 1, INTERRUPTED = 130 };

#define MOST_SAVED_BYTES 65536
/* Requests that may be on their way at a time; when the program is killed, so many starts at most are unknown. */
#define MOST_STARTING 8
/* How long an acknowledgement may go unnoticed; how long Ctrl-C may; how long answers may take then. */
#define ACKNOWLEDGED_MS 5
#define LOOK_AGAIN_MS 100
#define HAND_OVER_MS 5000

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  interrupted = 1; /* all that a signal handler should do; the main loop does the rest */
}

/* One person, and how far the asking is. */
struct call {
  int number;
  char *parameters;
  enum { NOT_ASKED, STARTING, ASKED, ANSWERED } state;
  ciba_flow *flow;
  int64_t interval_ms; /* between polls, as it was saved; -1 before the acknowledgement */
};

struct desk {
  const char *folder;
  ciba_client *client;
  ciba_set *set;
  struct call *calls;
  int count, counts[ANSWERED + 1]; /* all, and how many are in each state */
  int approved;
  int64_t shown_at_s;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Once a second; on a terminal always on the same line. */
static void show(struct desk *desk) {
  int64_t now_s = now_ms() / 1000;
  if (now_s == desk->shown_at_s)
    return;
  desk->shown_at_s = now_s;
  fprintf(stderr, "%d to be asked, %d asked, %d approved, %d otherwise%s", desk->counts[NOT_ASKED],
          desk->counts[STARTING] + desk->counts[ASKED], desk->approved, desk->counts[ANSWERED] - desk->approved,
          isatty(STDERR_FILENO) ? "\r" : "\n");
}

static void clear_line(void) {
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "%70s\r", "");
}

/* Says what went wrong and frees the error; 0, as all functions here that fail. */
static int fail(const char *what, ciba_status status, ciba_error *err) {
  clear_line();
  fprintf(stderr, "call_centre: %s: %s: %s\n", what, ciba_status_name(status),
          err ? ciba_error_message(err) : ciba_status_text(status));
  ciba_error_free(err);
  return 0;
}

static int fail_at_file(const char *path) {
  fprintf(stderr, "call_centre: %s: %s\n", path, strerror(errno));
  return 0;
}

static void set_state(struct desk *desk, struct call *call, int state) {
  desk->counts[call->state]--;
  desk->counts[state]++;
  call->state = state;
}

/* ---- what is kept ---- */

#define PATH_ROOM 512

static const char *path_of(char path[PATH_ROOM], const struct desk *desk, const struct call *call, const char *suffix) {
  snprintf(path, PATH_ROOM, "%s/%d.%s", desk->folder, call->number, suffix);
  return path;
}

/* Replaces a file as a whole: after a crash the old one is there, or the new one. */
static int write_file(const struct desk *desk, const struct call *call, const char *suffix, const void *bytes,
                      size_t length) {
  char path[PATH_ROOM], part[PATH_ROOM];
  FILE *file = fopen(path_of(part, desk, call, "part"), "wb");
  int ok;
  if (!file)
    return fail_at_file(part);
  ok = fwrite(bytes, 1, length, file) == length && fflush(file) == 0 && fsync(fileno(file)) == 0;
  ok = fclose(file) == 0 && ok;
  return (ok && rename(part, path_of(path, desk, call, suffix)) == 0) || fail_at_file(part);
}

static int exists(const struct desk *desk, const struct call *call, const char *suffix) {
  char path[PATH_ROOM];
  return access(path_of(path, desk, call, suffix), F_OK) == 0;
}

/* No two programs may go on with the same flows. The system takes the lock back when this one ends. */
static int lock_folder(const char *folder) {
  char path[PATH_ROOM];
  struct flock whole = {0};
  int file;
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  snprintf(path, sizeof path, "%s/lock", folder);
  if (mkdir(folder, 0700) != 0 && errno != EEXIST)
    return fail_at_file(folder);
  file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return (file >= 0 && fcntl(file, F_SETLK, &whole) == 0) || fail_at_file(path);
}

/* ---- one call ---- */

/* What a saved flow is bound to: one person's file is no good as another's. */
static const char *context_of(const struct call *call, char context[32]) {
  snprintf(context, 32, "call %d", call->number);
  return context;
}

static int keep(const struct desk *desk, const struct call *call, ciba_saved_flow *saved) {
  size_t length;
  const uint8_t *bytes = ciba_saved_flow_bytes(saved, &length);
  int ok = write_file(desk, call, "saved", bytes, length);
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
  return status == CIBA_OK ? keep(desk, call, saved) : fail("save", status, err);
}

/* Writes down how a call ended, then forgets what it would be resumed from. */
static int end(struct desk *desk, struct call *call, ciba_status status, const char *subject) {
  char line[512], path[PATH_ROOM];
  snprintf(line, sizeof line, "%s%s%s\n", ciba_status_name(status), *subject ? " " : "", subject);
  if (!write_file(desk, call, "done", line, strlen(line)))
    return 0;
  remove(path_of(path, desk, call, "saved"));
  clear_line();
  printf("call %d: %s", call->number, line);
  fflush(stdout);
  desk->approved += status == CIBA_OK;
  set_state(desk, call, ANSWERED);
  ciba_free(call->flow);
  call->flow = NULL;
  return 1;
}

/* The set told of this call. */
static int finish(struct desk *desk, struct call *call) {
  ciba_status status = ciba_poll(call->flow, 0, NULL);
  ciba_tokens *tokens = NULL;
  const char *subject = NULL;
  int ok;
  if (status == CIBA_OK && ciba_flow_tokens(call->flow, &tokens, NULL) == CIBA_OK)
    subject = ciba_tokens_claim(tokens, "sub", NULL);
  ok = end(desk, call, status, subject ? subject : "");
  ciba_tokens_free(tokens);
  return ok;
}

static int add(struct desk *desk, struct call *call, int state) {
  ciba_error *err;
  ciba_status status = ciba_set_add(desk->set, call->flow, call, &err);
  set_state(desk, call, state);
  call->interval_ms = state == STARTING ? -1 : ciba_flow_interval_ms(call->flow);
  return status == CIBA_OK || fail("add", status, err);
}

/* Asks a person. An empty file says so beforehand: whatever happens next, no later start asks again. */
static int start(struct desk *desk, struct call *call) {
  ciba_request *request = ciba_request_new();
  ciba_error *err;
  ciba_status status;
  int ok = write_file(desk, call, "saved", "", 0);
  if (ok) {
    status = ciba_request_set_json(request, call->parameters, &err);
    if (status == CIBA_OK)
      status = ciba_init(desk->client, request, 0, &call->flow, &err);
    if (call->flow) { /* should the start fail, the set tells of it */
      ciba_error_free(err);
      ok = add(desk, call, STARTING);
    } else { /* a request that breaks a rule; nothing was sent */
      fail("a request", status, err);
      ok = end(desk, call, status, "");
    }
  }
  ciba_request_free(request);
  return ok;
}

/* Takes a call over that an earlier run was asking for. Saved anew before it is asked for: who comes after
 * this run must not take it for untouched. */
static int resume(struct desk *desk, struct call *call) {
  static uint8_t bytes[MOST_SAVED_BYTES];
  char path[PATH_ROOM], context[32];
  ciba_error *err;
  ciba_status status;
  size_t length;
  FILE *file = fopen(path_of(path, desk, call, "saved"), "rb");
  if (!file)
    return fail_at_file(path);
  length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  if (length == 0) /* killed before the acknowledgement was saved: the phone rang or not */
    return end(desk, call, CIBA_START_UNKNOWN, "");
  status = ciba_flow_resume(desk->client, bytes, length, context_of(call, context), &call->flow, &err);
  if (status != CIBA_OK)
    return fail(path, status, err);
  return checkpoint(desk, call);
}

/* ---- all of them ---- */

/* Begins new calls, and saves those that the provider has acknowledged, or told to slow down. */
static int look_after_calls(struct desk *desk) {
  int index;
  for (index = 0; index < desk->count; index++) {
    struct call *call = &desk->calls[index];
    int64_t interval_ms = ciba_flow_interval_ms(call->flow);
    if (call->state == NOT_ASKED && desk->counts[STARTING] < MOST_STARTING && !start(desk, call))
      return 0;
    if (call->flow && interval_ms > call->interval_ms) {
      call->interval_ms = interval_ms;
      set_state(desk, call, ASKED);
      if (!checkpoint(desk, call))
        return 0;
    }
  }
  return 1;
}

/* One thread for all of them: the set says who has answered. */
static int wait_for_all(struct desk *desk) {
  while (desk->counts[ANSWERED] < desk->count && !interrupted) {
    void *call;
    ciba_error *err;
    ciba_status status;
    if (!look_after_calls(desk))
      return 0;
    status = ciba_set_wait(desk->set, desk->counts[STARTING] ? ACKNOWLEDGED_MS : LOOK_AGAIN_MS, &call, &err);
    if (status == CIBA_OK ? !finish(desk, call) : status != CIBA_PENDING && !fail("wait", status, err))
      return 0;
    show(desk);
  }
  return 1;
}

/* Ctrl-C: nobody asks here any more, so whoever goes on need not wait. */
static int hand_over(struct desk *desk) {
  int64_t until = now_ms() + HAND_OVER_MS;
  int index;
  for (index = 0; index < desk->count; index++) {
    char context[32];
    ciba_saved_flow *saved;
    struct call *call = &desk->calls[index];
    int64_t left = until - now_ms();
    if (!call->flow)
      continue;
    if (ciba_flow_hand_over(call->flow, context_of(call, context), left > 0 ? left : 0, &saved, NULL) == CIBA_OK) {
      if (!keep(desk, call, saved))
        return 0;
    } else if (ciba_flow_outcome(call->flow) != CIBA_PENDING && !finish(desk, call)) {
      return 0;
    } /* else an answer takes too long: what was saved before serves, after a whole interval */
  }
  return 1;
}

static int run(struct desk *desk) {
  ciba_error *err;
  ciba_status status = ciba_set_new(desk->client, &desk->set, &err);
  int index;
  if (status != CIBA_OK)
    return fail("set", status, err);
  for (index = 0; index < desk->count; index++) {
    struct call *call = &desk->calls[index];
    if (exists(desk, call, "done"))
      set_state(desk, call, ANSWERED);
    else if (exists(desk, call, "saved") && !resume(desk, call))
      return 0;
  }
  for (index = 0; index < desk->count; index++) { /* asked for only now that somebody listens to the answers */
    struct call *call = &desk->calls[index];
    if (call->flow && !add(desk, call, ASKED))
      return 0;
  }
  return wait_for_all(desk) && (!interrupted || hand_over(desk));
}

static int read_people(struct desk *desk) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    struct call *calls = realloc(desk->calls, sizeof *calls * (size_t)(desk->count + 1));
    if (!calls)
      return fail_at_file("people");
    memset(&calls[desk->count], 0, sizeof *calls);
    calls[desk->count].number = desk->count + 1;
    calls[desk->count].parameters = line;
    desk->calls = calls;
    desk->count++;
    line = NULL;
  }
  free(line);
  desk->counts[NOT_ASKED] = desk->count;
  return 1;
}

static int make_client(struct desk *desk, char **words) {
  ciba_config *config = ciba_config_new();
  ciba_error *err;
  /* Others on this machine can read a command line: secrets are better in the environment. */
  ciba_status status = ciba_config_set(config, "client_secret", getenv("CIBA_CLIENT_SECRET"), &err);
  if (status == CIBA_OK)
    status = ciba_config_set(config, "saved_flow_keys", getenv("CIBA_SAVED_FLOW_KEYS"), &err);
  if (status == CIBA_OK)
    status = ciba_config_set(config, "saved_flow_exclusive", "true", &err); /* see lock_folder() */
  for (; *words && status == CIBA_OK; words++) {
    char *equals = strchr(*words, '=');
    if (equals)
      *equals = '\0';
    status = ciba_config_set(config, *words, equals ? equals + 1 : NULL, &err);
  }
  if (status == CIBA_OK)
    status = ciba_client_new(config, &desk->client, &err);
  ciba_config_free(config);
  return status == CIBA_OK || fail("settings", status, err);
}

int main(int argc, char **argv) {
  struct desk desk = {0};
  struct sigaction action;
  int index, exit_code;

  if (argc < 2 || !getenv("CIBA_CLIENT_SECRET") || !getenv("CIBA_SAVED_FLOW_KEYS")) {
    fprintf(stderr, "usage: CIBA_CLIENT_SECRET=... CIBA_SAVED_FLOW_KEYS=id:key "
                    "call_centre FOLDER SETTING=VALUE... < people\n");
    return FAILED;
  }
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND; /* a second one ends the program at once */
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  desk.folder = argv[1];
  if (!lock_folder(desk.folder) || !make_client(&desk, argv + 2) || !read_people(&desk) || !run(&desk))
    exit_code = FAILED;
  else
    exit_code = desk.counts[ANSWERED] == desk.count ? DONE : INTERRUPTED;

  ciba_set_free(desk.set);
  for (index = 0; index < desk.count; index++) {
    ciba_free(desk.calls[index].flow);
    free(desk.calls[index].parameters);
  }
  free(desk.calls);
  ciba_client_free(desk.client);
  return exit_code;
}
