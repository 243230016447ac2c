/* Callbacks: on which threads they come, what they may do, and that userdata is released once.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "provider.h"

static ciba_client *client;
static ciba_request *request;

/* What a callback has seen; behind a lock, since it may come on several threads. */
static struct {
  pthread_mutex_t lock;
  ciba_flow *flow; /* which it asks */
  int32_t stop; /* what it returns to the wait */
  int calls, released, on_library_threads, refusals_missed, stages[5];
  char events[4096];
} seen = {PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0, 0, 0, 0, {0, 0, 0, 0, 0}, ""};

static void forget(void) {
  pthread_mutex_lock(&seen.lock);
  seen.flow = NULL;
  seen.stop = 0;
  seen.calls = seen.released = seen.on_library_threads = seen.refusals_missed = 0;
  memset(seen.stages, 0, sizeof seen.stages);
  seen.events[0] = '\0';
  pthread_mutex_unlock(&seen.lock);
}

static int released(void) {
  int count;
  pthread_mutex_lock(&seen.lock);
  count = seen.released;
  pthread_mutex_unlock(&seen.lock);
  return count;
}

/* Waits until userdata has been released so often. */
static void wait_for_release(int count) {
  int64_t until = now_us() + PATIENCE_MS * 1000;
  while (released() < count && now_us() < until)
    sleep_ms(5);
  CHECK_NUMBER(count, released());
}

static int on_a_thread_of_the_library(void) {
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  return strncmp(name, "ciba-", 5) == 0;
}

/* Calls that may wait are refused, whatever their timeout; accessors answer. */
static void try_everything(ciba_flow *flow) {
  ciba_flow *begun = NULL;
  ciba_error *err = NULL;
  seen.calls++;
  seen.on_library_threads += on_a_thread_of_the_library();
  seen.refusals_missed += ciba_poll(flow, 0, &err) != CIBA_IN_CALLBACK;
  seen.refusals_missed += ciba_error_status(err) != CIBA_IN_CALLBACK;
  ciba_error_free(err);
  seen.refusals_missed += ciba_step(flow, 0, NULL) != CIBA_IN_CALLBACK;
  seen.refusals_missed += ciba_cancel(flow, -1, NULL) != CIBA_IN_CALLBACK;
  seen.refusals_missed += ciba_client_check(client, 0, NULL) != CIBA_IN_CALLBACK;
  seen.refusals_missed += ciba_init(client, request, 0, &begun, NULL) != CIBA_IN_CALLBACK || begun;
  if (flow) {
    ciba_error_free(ciba_flow_trouble(flow));
    ciba_flow_outcome(flow);
    ciba_flow_next_poll_at(flow);
    ciba_flow_auth_req_id(flow, NULL);
  }
}

static int32_t on_progress(void *userdata, int32_t stage, int64_t expires_in_ms, int64_t next_poll_in_ms,
                           int64_t polls) {
  int32_t stop;
  pthread_mutex_lock(&seen.lock);
  CHECK(userdata == &seen);
  CHECK(stage >= 1 && stage <= 4);
  CHECK(stage != 2 || (expires_in_ms > 0 && polls >= 0));
  CHECK(next_poll_in_ms >= -1);
  seen.stages[stage]++;
  try_everything(seen.flow);
  stop = seen.stop;
  pthread_mutex_unlock(&seen.lock);
  return stop;
}

static void on_log(void *userdata, int32_t level, const char *event, const char *text, const char *correlation,
                   int64_t unix_ms) {
  pthread_mutex_lock(&seen.lock);
  CHECK(userdata == &seen);
  CHECK(level >= 1 && level <= 4 && unix_ms > 0);
  CHECK(*event && !strpbrk(text, "\r\n"));
  CHECK(!*correlation || strcmp(correlation, "order 7") == 0);
  CHECK(!strstr(text, UUID) && !strstr(text, fact("client_secret")));
  if (strlen(seen.events) + strlen(event) + 2 < sizeof seen.events)
    strcat(strcat(seen.events, event), "\n");
  try_everything(seen.flow);
  pthread_mutex_unlock(&seen.lock);
}

static void on_release(void *userdata) {
  pthread_mutex_lock(&seen.lock);
  CHECK(userdata == &seen);
  seen.released++;
  seen.on_library_threads += on_a_thread_of_the_library();
  pthread_mutex_unlock(&seen.lock);
}

static void progress_comes_on_threads_that_wait_and_accessors_answer_in_it(void) {
  ciba_flow *flow = NULL;
  forget();
  CHECK_STATUS(CIBA_PENDING, ciba_init(client, request, 0, &flow, NULL));
  seen.flow = flow;
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK(seen.stages[1] >= 1 && seen.stages[2] >= 2);
  CHECK_NUMBER(0, seen.refusals_missed);
  CHECK_NUMBER(0, seen.released);
  ciba_free(flow);
  wait_for_release(1);
  CHECK_NUMBER(0, seen.on_library_threads);
}

static void a_progress_callback_ends_the_wait_and_nothing_is_lost(void) {
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  forget();
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, NULL, NULL));
  seen.stop = 1;
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(1, seen.calls);
  seen.stop = 0;
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  ciba_free(flow);
}

static void a_callback_that_is_replaced_is_released_and_called_no_more(void) {
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  int calls;
  forget();
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, on_release, NULL));
  CHECK_NUMBER(1, released());
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 20, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, NULL, NULL, NULL, NULL));
  CHECK_NUMBER(2, released());
  calls = seen.calls;
  CHECK(calls > 0);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(calls, seen.calls);
  ciba_free(flow);
  CHECK_NUMBER(2, released());
}

static void *poll_until_it_ends(void *flow) {
  ciba_poll(flow, -1, NULL);
  return NULL;
}

/* The last who holds the flow is then the library's own thread. */
static void userdata_is_released_on_a_thread_of_the_program_also_while_an_exchange_is_under_way(void) {
  ciba_flow *flow = new_flow(client, "wait");
  pthread_t thread;
  forget();
  fault("poll", "{\"hold\": 1000}");
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, on_release, NULL));
  CHECK(pthread_create(&thread, NULL, poll_until_it_ends, flow) == 0);
  wait_for_requests("/connect/token -> (open)", 1);
  ciba_free(flow);
  pthread_join(thread, NULL);
  wait_for_release(1);
  CHECK_NUMBER(0, seen.on_library_threads);

  forget();
  fault("start", "{\"hold\": 500}");
  CHECK_STATUS(CIBA_PENDING, ciba_init(client, request, 0, &flow, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, on_progress, &seen, on_release, NULL));
  ciba_free(flow);
  CHECK_NUMBER(1, released());
  CHECK_NUMBER(0, seen.on_library_threads);
}

static void log_events_have_names_in_order_and_the_callers_correlation(void) {
  ciba_config *config = new_config();
  ciba_client *logged = NULL;
  ciba_flow *flow = NULL;
  ciba_request *correlated = new_request("approve after 0 s");
  forget();
  CHECK_STATUS(CIBA_OK, ciba_config_set_log(config, 4, on_log, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &logged, NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(correlated, "correlation", "order 7", NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_init(logged, correlated, 0, &flow, NULL));
  pthread_mutex_lock(&seen.lock);
  seen.flow = flow;
  pthread_mutex_unlock(&seen.lock);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  pthread_mutex_lock(&seen.lock);
  CHECK(strncmp(seen.events, "start.sent\nstart.acknowledged\n", 30) == 0);
  CHECK(strstr(seen.events, "poll.sent\npoll.tokens\nflow.approved\n"));
  CHECK_NUMBER(0, seen.refusals_missed);
  CHECK_NUMBER(0, seen.on_library_threads); /* also what happened on one of the library's */
  seen.flow = NULL;
  pthread_mutex_unlock(&seen.lock);
  ciba_config_free(config);
  ciba_client_free(logged);
  CHECK_NUMBER(0, released()); /* the flow still logs */
  ciba_free(flow);
  wait_for_release(1);
  ciba_request_free(correlated);
}

static void a_level_is_the_least_important_that_is_sent(void) {
  ciba_config *config = new_config();
  ciba_client *logged = NULL;
  ciba_flow *flow;
  forget();
  CHECK_STATUS(CIBA_OK, ciba_config_set_log(config, 1, on_log, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &logged, NULL));
  ciba_config_free(config);
  flow = new_flow(logged, "approve after 0 s");
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(0, seen.calls);
  ciba_free(flow);
  flow = new_flow(logged, "fail server_is_gone after 0 s");
  CHECK_STATUS(CIBA_PROVIDER_ERROR, ciba_poll(flow, -1, NULL));
  if (!CHECK(strcmp(seen.events, "flow.failed\n") == 0))
    fprintf(stderr, "the events: %s", seen.events);
  ciba_free(flow);
  ciba_client_free(logged);
  wait_for_release(1);
}

/* The signature of a key that the provider does not know: it arrives as it is made, and is refused there. */
static int32_t on_sign(void *userdata, const char *algorithm, const char *key_id, const uint8_t *input, size_t input_length,
                       uint8_t *signature, size_t room, size_t *signature_length) {
  int32_t stop;
  pthread_mutex_lock(&seen.lock);
  CHECK(userdata == &seen && strcmp(algorithm, "ES256") == 0 && strcmp(key_id, "card 1") == 0);
  CHECK(room >= 1024 && input_length > 100 && memchr(input, '.', input_length));
  memset(signature, 'A', 64);
  *signature_length = 64;
  try_everything(seen.flow);
  stop = seen.stop;
  pthread_mutex_unlock(&seen.lock);
  return stop;
}

static ciba_client *new_signed_client(void) {
  ciba_client *made = NULL;
  ciba_config *config = new_config();
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "token_endpoint_auth_method", "private_key_jwt", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "token_endpoint_auth_signing_alg", "ES256", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "client_key_id", "card 1", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set_signer(config, on_sign, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &made, NULL));
  ciba_config_free(config);
  return made;
}

static void a_signer_is_called_by_threads_that_wait_and_what_it_gives_is_sent(void) {
  ciba_client *signing;
  ciba_flow *flow = NULL;
  ciba_error *err = NULL;
  char *journal;
  forget();
  signing = new_signed_client();
  CHECK_STATUS(CIBA_INVALID_CLIENT, ciba_init(signing, request, -1, &flow, NULL));
  ciba_free(flow);
  CHECK_NUMBER(1, seen.calls);
  journal = control("GET /journal", NULL);
  CHECK(strstr(journal, "QUFBQUFBQUFBQUFBQUFB"));
  free(journal);

  seen.stop = 77;
  CHECK_STATUS(CIBA_SIGNER_FAILED, ciba_init(signing, request, -1, &flow, &err));
  CHECK(strstr(ciba_error_message(err), "77"));
  CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(flow));
  ciba_error_free(err);
  CHECK_NUMBER(2, seen.calls);
  CHECK_NUMBER(0, seen.refusals_missed);
  CHECK_NUMBER(0, seen.on_library_threads);

  /* It is released with the last of the handles, whatever is still to be signed. */
  ciba_free(flow);
  ciba_init(signing, request, 0, &flow, NULL);
  sleep_ms(50);
  CHECK_NUMBER(0, seen.released);
  ciba_client_free(signing);
  CHECK_NUMBER(0, seen.released);
  ciba_free(flow);
  wait_for_release(1);
  CHECK_NUMBER(0, seen.on_library_threads);
}

static struct {
  pthread_mutex_t lock;
  int inside, may_leave;
} gate = {PTHREAD_MUTEX_INITIALIZER, 0, 0};

static int gate_has(const int *what) {
  int value;
  pthread_mutex_lock(&gate.lock);
  value = *what;
  pthread_mutex_unlock(&gate.lock);
  return value;
}

static void gate_set(int *what) {
  pthread_mutex_lock(&gate.lock);
  *what = 1;
  pthread_mutex_unlock(&gate.lock);
}

static int32_t sign_at_the_gate(void *userdata, const char *algorithm, const char *key_id, const uint8_t *input,
                                size_t input_length, uint8_t *signature, size_t room, size_t *signature_length) {
  gate_set(&gate.inside);
  while (!gate_has(&gate.may_leave))
    sleep_ms(1);
  return on_sign(userdata, algorithm, key_id ? "card 1" : NULL, input, input_length, signature, room, signature_length);
}

static struct {
  ciba_client *client;
  ciba_flow *flow;
} gated;

static void *start_gated(void *none) {
  CHECK_STATUS(CIBA_FREED, ciba_init(gated.client, request, -1, &gated.flow, NULL));
  return none;
}

static void a_flow_is_freed_while_it_is_signed_for(void) {
  ciba_config *config = new_config();
  pthread_t thread;
  int before = requests("POST ");
  forget();
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "token_endpoint_auth_method", "private_key_jwt", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "token_endpoint_auth_signing_alg", "ES256", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "client_key_id", "card 1", NULL));
  /* The one before is released, and so is one that is refused. */
  CHECK_STATUS(CIBA_OK, ciba_config_set_signer(config, on_sign, &seen, on_release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set_signer(config, sign_at_the_gate, &seen, on_release, NULL));
  CHECK_NUMBER(1, seen.released);
  CHECK_STATUS(CIBA_MISSING_ARGUMENT, ciba_config_set_signer(config, NULL, &seen, on_release, NULL));
  CHECK_NUMBER(2, seen.released);
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &gated.client, NULL));
  ciba_config_free(config);
  CHECK_NUMBER(0, pthread_create(&thread, NULL, start_gated, NULL));
  while (!gate_has(&gate.inside))
    sleep_ms(1);
  ciba_free(gated.flow); /* the flow was handed out before anything was to be sent */
  ciba_client_free(gated.client);
  CHECK_NUMBER(2, seen.released);
  gate_set(&gate.may_leave);
  CHECK_NUMBER(0, pthread_join(thread, NULL));
  wait_for_release(3);
  CHECK_NUMBER(0, seen.on_library_threads);
  CHECK_NUMBER(before, requests("POST "));
}

static const struct test tests[] = {
    {"progress comes on threads that wait; accessors answer in it, calls that may wait are refused", progress_comes_on_threads_that_wait_and_accessors_answer_in_it},
    {"a progress callback can end the wait, and nothing is lost", a_progress_callback_ends_the_wait_and_nothing_is_lost},
    {"a callback that is replaced is released and called no more", a_callback_that_is_replaced_is_released_and_called_no_more},
    {"userdata is released once, on a thread of the program, also while an exchange is under way", userdata_is_released_on_a_thread_of_the_program_also_while_an_exchange_is_under_way},
    {"log events have names in order and the caller's correlation; calls that may wait are refused", log_events_have_names_in_order_and_the_callers_correlation},
    {"a signer is called by threads that wait, and what it gives is sent", a_signer_is_called_by_threads_that_wait_and_what_it_gives_is_sent},
    {"a flow is freed while it is signed for: nothing is sent, and the userdata is released", a_flow_is_freed_while_it_is_signed_for},
    {"a log's level is the least important that is sent", a_level_is_the_least_important_that_is_sent},
};

int main(void) {
  int failed;
  client = new_client();
  request = new_request("approve after 0 s");
  failed = RUN(tests);
  ciba_request_free(request);
  ciba_client_free(client);
  return failed;
}
