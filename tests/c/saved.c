/* Saved flows: bytes that were cut, changed, or are somebody else's; those that go on in another program;
 * what is still known when they come back.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER_KEY "HxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRo="
#define KEYS "2026:" KEY
#define ROW "row 7"
#define MOST_BYTES 65536
/* In a program that goes on with a flow: for so many ms no name is known. */
#define NO_NAMES "CIBA_TEST_NO_NAMES_MS"

static ciba_client *client;
static const char *program; /* this one */
static int64_t names_from_us; /* until then there are none */

/* Stands before the C library's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  return now_us() < names_from_us ? EAI_NONAME : real(node, service, hints, result);
}

/* A client with one setting beside saved_flow_keys; NULL: none. */
static ciba_client *client_with(const char *keys, const char *name, const char *value) {
  ciba_config *config = new_config();
  ciba_client *made = NULL;
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "saved_flow_keys", keys, NULL));
  if (name)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, name, value, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &made, NULL));
  ciba_config_free(config);
  return made;
}

struct bytes {
  uint8_t at[MOST_BYTES];
  size_t length;
};

static void keep(struct bytes *bytes, ciba_saved_flow *saved) {
  size_t length = 7;
  const uint8_t *at = ciba_saved_flow_bytes(saved, &length);
  CHECK(at && length < sizeof bytes->at && at == ciba_saved_flow_bytes(saved, NULL));
  memcpy(bytes->at, at, length);
  bytes->length = length;
  ciba_saved_flow_free(saved);
}

static void checkpoint(ciba_flow *flow, struct bytes *bytes) {
  ciba_saved_flow *saved = NULL;
  CHECK_STATUS(CIBA_OK, ciba_flow_checkpoint(flow, ROW, &saved, NULL));
  CHECK_NUMBER(ciba_flow_revision(flow), ciba_saved_flow_revision(saved));
  keep(bytes, saved);
}

static void hand_over(ciba_flow *flow, struct bytes *bytes) {
  ciba_saved_flow *saved = NULL;
  CHECK_STATUS(CIBA_OK, ciba_flow_hand_over(flow, ROW, -1, &saved, NULL));
  keep(bytes, saved);
}

/* What a resume with these says; the flow that comes of it is freed. */
static ciba_status resumed_with(ciba_client *with, const uint8_t *at, size_t length, const char *context) {
  ciba_flow *flow = (ciba_flow *)at; /* must not survive */
  ciba_error *err = NULL;
  ciba_status status = ciba_flow_resume(with, at, length, context, &flow, &err);
  CHECK(status == CIBA_OK ? flow && !err : !flow && ciba_error_status(err) == status);
  ciba_error_free(err);
  ciba_free(flow);
  return status;
}

static struct bytes saved; /* of a flow that lives as long as the tests */

static void what_was_cut_or_changed_is_refused(void) {
  static struct bytes changed;
  size_t at, step = (size_t)less(1, 37);
  CHECK_STATUS(CIBA_OK, resumed_with(client, saved.at, saved.length, ROW));
  for (at = 0; at < saved.length; at += step) {
    ciba_status status;
    CHECK_STATUS(CIBA_SAVED_FLOW_MALFORMED, resumed_with(client, saved.at, at, ROW));
    changed = saved;
    changed.at[at] ^= 1;
    status = resumed_with(client, changed.at, changed.length, ROW);
    if (at == 4) /* as a newer version of the library would write it */
      CHECK_STATUS(CIBA_SAVED_FLOW_VERSION, status);
    else if (at >= 5 && at < 10) /* the key id and its length */
      CHECK(status == CIBA_SAVED_FLOW_KEY || status == CIBA_SAVED_FLOW_MALFORMED);
    else
      CHECK_STATUS(CIBA_SAVED_FLOW_MALFORMED, status);
  }
  changed = saved;
  changed.at[4] = 2;
  CHECK_STATUS(CIBA_SAVED_FLOW_VERSION, resumed_with(client, changed.at, changed.length, ROW));
  changed = saved;
  changed.at[changed.length++] = 0;
  CHECK_STATUS(CIBA_SAVED_FLOW_MALFORMED, resumed_with(client, changed.at, changed.length, ROW));
  CHECK_STATUS(CIBA_INVALID_VALUE, resumed_with(client, saved.at, ((size_t)1 << 20) + 1, ROW));
  CHECK_STATUS(CIBA_INVALID_VALUE, resumed_with(client, saved.at, SIZE_MAX, ROW));
}

static void what_is_somebody_elses_is_refused(void) {
  static const struct {
    const char *keys, *name, *value, *context;
    ciba_status status;
  } others[] = {
      {KEYS, NULL, NULL, ROW, CIBA_OK},
      {"2027:" OTHER_KEY " " KEYS, NULL, NULL, ROW, CIBA_OK}, /* a newer key, and the one it was sealed with */
      {"2026:" OTHER_KEY, NULL, NULL, ROW, CIBA_SAVED_FLOW_MALFORMED},
      {"2027:" KEY, NULL, NULL, ROW, CIBA_SAVED_FLOW_KEY},
      {KEYS, NULL, NULL, "row 8", CIBA_SAVED_FLOW_CONTEXT},
      {KEYS, NULL, NULL, "", CIBA_SAVED_FLOW_CONTEXT},
      {KEYS, NULL, NULL, "row 7 ", CIBA_SAVED_FLOW_CONTEXT},
      {KEYS, NULL, NULL, "\xff", CIBA_INVALID_UTF8},
      {KEYS, "client_id", "another", ROW, CIBA_SAVED_FLOW_CLIENT},
      {KEYS, "issuer", "https://another.example/op", ROW, CIBA_SAVED_FLOW_CLIENT},
      {KEYS, "provider", "telenor-test", ROW, CIBA_OK}, /* the issuer says who it is */
  };
  size_t i;
  for (i = 0; i < COUNT(others); i++) {
    ciba_client *other = client_with(others[i].keys, others[i].name, others[i].value);
    CHECK_STATUS(others[i].status, resumed_with(other, saved.at, saved.length, others[i].context));
    ciba_client_free(other);
  }
}

static void a_sealed_flow_shows_nothing(void) {
  static struct bytes bytes;
  ciba_flow *flow = new_flow(client, "wait");
  const char *const secrets[] = {ciba_flow_auth_req_id(flow, NULL), UUID, ROW, fact("client_id")};
  size_t i;
  checkpoint(flow, &bytes);
  for (i = 0; i < COUNT(secrets); i++) {
    CHECK(memmem(bytes.at, bytes.length, secrets[i], strlen(secrets[i])) == NULL);
    memcpy(bytes.at + 20, secrets[i], strlen(secrets[i])); /* the search finds what is there */
    CHECK(memmem(bytes.at, bytes.length, secrets[i], strlen(secrets[i])) == bytes.at + 20);
  }
  ciba_free(flow);
}

static void a_flow_that_has_ended_cannot_be_saved(void) {
  ciba_saved_flow *none = NULL;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_NOT_SAVEABLE, ciba_flow_checkpoint(flow, ROW, &none, NULL));
  CHECK_STATUS(CIBA_NOT_SAVEABLE, ciba_flow_hand_over(flow, ROW, -1, &none, NULL));
  CHECK(none == NULL);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, 0, NULL)); /* its tokens are not lost by that */
  ciba_free(flow);
}

static void one_that_expired_meanwhile_has_its_outcome(void) {
  ciba_client *exclusive = client_with(KEYS, "saved_flow_exclusive", "true");
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL, *with_exclusive = NULL, *without = NULL;
  static struct bytes bytes;
  int before;
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "requested_expiry", "2", NULL));
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &flow, NULL));
  hand_over(flow, &bytes);
  sleep_ms(2100);
  before = requests("/connect/token");
  CHECK_STATUS(CIBA_OK, ciba_flow_resume(exclusive, bytes.at, bytes.length, ROW, &with_exclusive, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_resume(client, bytes.at, bytes.length, ROW, &without, NULL));
  CHECK_STATUS(CIBA_EXPIRED, ciba_poll(with_exclusive, -1, NULL));
  CHECK_STATUS(CIBA_UNKNOWN, ciba_poll(without, -1, NULL)); /* another process may have asked in time */
  CHECK_NUMBER(before, requests("/connect/token"));
  ciba_free(flow);
  ciba_free(with_exclusive);
  ciba_free(without);
  ciba_request_free(request);
  ciba_client_free(exclusive);
}

static void one_that_was_saved_before_its_acknowledgement_is_not_started_again(void) {
  static struct bytes bytes;
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL, *resumed = NULL;
  ciba_saved_flow *none = NULL;
  int starts = requests("/connect/ciba");
  fault("start", "{\"hold\": 500}");
  CHECK_STATUS(CIBA_PENDING, ciba_init(client, request, 0, &flow, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_flow_hand_over(flow, ROW, 0, &none, NULL)); /* its start is under way */
  CHECK(none == NULL);
  checkpoint(flow, &bytes);
  CHECK_STATUS(CIBA_OK, ciba_flow_resume(client, bytes.at, bytes.length, ROW, &resumed, NULL));
  CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(resumed));
  CHECK_STATUS(CIBA_START_UNKNOWN, ciba_poll(resumed, -1, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_step(flow, -1, NULL)); /* it goes on where it was begun */
  CHECK(ciba_flow_auth_req_id(flow, NULL) != NULL);
  CHECK_NUMBER(starts + 1, requests("/connect/ciba"));
  ciba_free(flow);
  ciba_free(resumed);
  ciba_request_free(request);
}

static void a_hand_over_waits_for_the_answer_that_is_due_as_poll_has_it(void) {
  static const int64_t timeouts[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, (int64_t)1 << 53, INT64_MAX - 1, INT64_MAX};
  ciba_flow *flow;
  ciba_saved_flow *made = NULL;
  size_t i;
  for (i = 0; i < COUNT(timeouts); i++) { /* nothing is under way */
    flow = new_flow(client, "wait");
    CHECK_STATUS(CIBA_OK, ciba_flow_hand_over(flow, ROW, timeouts[i], &made, NULL));
    CHECK_STATUS(CIBA_HANDED_OVER, ciba_flow_outcome(flow));
    CHECK_STATUS(CIBA_HANDED_OVER, ciba_poll(flow, -1, NULL));
    ciba_saved_flow_free(made);
    ciba_free(flow);
  }
  flow = new_flow(client, "wait");
  fault("poll", "{\"hold\": 1000}");
  while (requests("(open)") == 0)
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 20, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_flow_hand_over(flow, ROW, 0, &made, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_flow_hand_over(flow, ROW, 10, &made, NULL));
  CHECK(made == NULL);
  CHECK_STATUS(CIBA_OK, ciba_flow_hand_over(flow, ROW, INT64_MAX, &made, NULL));
  CHECK_NUMBER(0, requests("(open)"));
  ciba_saved_flow_free(made);
  ciba_free(flow);
}

struct inside {
  ciba_flow *flow;
  int calls, wrong;
};

static int32_t hand_over_in_callback(void *userdata, int32_t stage, int64_t expires_in_ms, int64_t next_poll_in_ms,
                                     int64_t polls) {
  struct inside *inside = userdata;
  ciba_saved_flow *none = userdata;
  (void)stage, (void)expires_in_ms, (void)next_poll_in_ms, (void)polls;
  inside->calls++;
  inside->wrong += ciba_flow_hand_over(inside->flow, ROW, 0, &none, NULL) != CIBA_IN_CALLBACK || none;
  inside->wrong += ciba_flow_revision(inside->flow) != 0;
  return 0;
}

static void nothing_is_handed_over_inside_a_callback(void) {
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  struct inside inside = {flow, 0, 0};
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, hand_over_in_callback, &inside, NULL, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK(inside.calls > 0);
  CHECK_NUMBER(0, inside.wrong);
  ciba_free(flow);
}

/* ---- in another program: this one, started anew ---- */

/* Goes on with the flow in a file; the number of the step that went wrong. */
static int go_on(const char *path) {
  static struct bytes bytes;
  const char *no_names_ms = getenv(NO_NAMES);
  ciba_flow *flow = NULL;
  ciba_set *set = NULL;
  ciba_tokens *tokens = NULL;
  ciba_error *trouble = NULL;
  void *told = NULL;
  FILE *file = fopen(path, "rb");
  if (no_names_ms)
    names_from_us = now_us() + atoll(no_names_ms) * 1000;
  bytes.length = file ? fread(bytes.at, 1, sizeof bytes.at, file) : 0;
  if (file)
    fclose(file);
  client = client_with(KEYS, NULL, NULL);
  if (ciba_flow_resume(client, bytes.at, bytes.length, ROW, &flow, NULL) != CIBA_OK)
    return 1;
  if (ciba_set_new(client, &set, NULL) != CIBA_OK || ciba_set_add(set, flow, &told, NULL) != CIBA_OK)
    return 2;
  while (no_names_ms && !(trouble = ciba_flow_trouble(flow)))
    if (ciba_set_wait(set, 20, &told, NULL) != CIBA_PENDING)
      return 3;
  if (no_names_ms && ciba_error_status(trouble) != CIBA_NAME_RESOLUTION_FAILED)
    return 4;
  ciba_error_free(trouble);
  if (ciba_set_wait(set, -1, &told, NULL) != CIBA_OK || told != &told)
    return 5;
  if (ciba_poll(flow, 0, NULL) != CIBA_OK || ciba_flow_tokens(flow, &tokens, NULL) != CIBA_OK)
    return 6;
  if (strcmp(ciba_tokens_claim(tokens, "mitid.uuid", NULL), UUID) != 0)
    return 7;
  ciba_tokens_free(tokens);
  ciba_set_free(set);
  ciba_free(flow);
  ciba_client_free(client);
  return 0;
}

static void go_on_elsewhere(const struct bytes *bytes, const char *no_names_ms) {
  char path[] = "/tmp/ciba-saved-XXXXXX";
  int file = mkostemp(path, 0), status = 0;
  pid_t child;
  CHECK(write(file, bytes->at, bytes->length) == (ssize_t)bytes->length);
  close(file);
  child = fork();
  if (child == 0) {
    if (no_names_ms)
      setenv(NO_NAMES, no_names_ms, 1);
    execl(program, program, path, (char *)NULL);
    _exit(100);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
  CHECK_NUMBER(0, WEXITSTATUS(status));
  unlink(path);
}

static void another_program_goes_on(void) {
  static struct bytes bytes;
  ciba_flow *flow = new_flow(client, "approve after 0 s"), *killed = new_flow(client, "approve after 0 s");
  hand_over(flow, &bytes);
  go_on_elsewhere(&bytes, NULL);
  CHECK_STATUS(CIBA_HANDED_OVER, ciba_poll(flow, -1, NULL));
  checkpoint(killed, &bytes);
  ciba_free(killed);
  go_on_elsewhere(&bytes, NULL);
  CHECK_NUMBER(0, requests("slow_down"));
  ciba_free(flow);
}

static void a_name_that_is_not_known_for_a_while_loses_nothing(void) {
  static struct bytes bytes;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  hand_over(flow, &bytes);
  go_on_elsewhere(&bytes, "4000");
  ciba_free(flow);
}

static const struct test tests[] = {
    {"what was cut or changed is refused", what_was_cut_or_changed_is_refused},
    {"what is somebody else's is refused", what_is_somebody_elses_is_refused},
    {"a sealed flow shows nothing", a_sealed_flow_shows_nothing},
    {"a flow that has ended cannot be saved", a_flow_that_has_ended_cannot_be_saved},
    {"one that expired meanwhile has its outcome", one_that_expired_meanwhile_has_its_outcome},
    {"one that was saved before its acknowledgement is not started again", one_that_was_saved_before_its_acknowledgement_is_not_started_again},
    {"a hand-over waits for the answer that is due as poll(2) has it", a_hand_over_waits_for_the_answer_that_is_due_as_poll_has_it},
    {"nothing is handed over inside a callback", nothing_is_handed_over_inside_a_callback},
    {"another program goes on", another_program_goes_on},
    {"a name that is not known for a while loses nothing", a_name_that_is_not_known_for_a_while_loses_nothing},
};

int main(int argc, char **argv) {
  int failed;
  ciba_flow *flow;
  if (argc == 2)
    return go_on(argv[1]);
  program = argv[0];
  client = client_with(KEYS, NULL, NULL);
  flow = new_flow(client, "wait");
  checkpoint(flow, &saved);
  failed = RUN(tests);
  ciba_free(flow);
  ciba_client_free(client);
  return failed;
}
