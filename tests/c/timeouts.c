/* Every timeout from INT64_MIN to INT64_MAX, in every call that has one: < 0 waits until it is done, 0
 * does not wait, > 0 waits at most so long.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>

#include "provider.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* None of these ends before the tests do. */
static const int64_t without_end[] = {
    INT64_MIN,       INT64_MIN + 1, -((int64_t)1 << 53),   INT32_MIN,          -1000,         -1,
    (int64_t)1 << 31, INT32_MAX,    (int64_t)1 << 32,      (int64_t)1 << 53,   INT64_MAX / 1000,
    INT64_MAX - 1,   INT64_MAX,
};
static const int64_t short_ones[] = {0, 1, 2, 50};

static ciba_client *client;

static void init_waits_for_the_acknowledgement(void) {
  ciba_request *request = new_request("wait");
  size_t i;
  for (i = 0; i < COUNT(without_end); i++) {
    ciba_flow *flow = NULL;
    CHECK_STATUS(CIBA_OK, ciba_init(client, request, without_end[i], &flow, NULL));
    CHECK(ciba_flow_auth_req_id(flow, NULL) != NULL);
    ciba_free(flow);
  }
  for (i = 0; i < COUNT(short_ones); i++) {
    ciba_flow *flow = NULL;
    int64_t began = now_us();
    fault("start", "{\"hold\": 1500}");
    CHECK_STATUS(CIBA_PENDING, ciba_init(client, request, short_ones[i], &flow, NULL));
    CHECK(waited_ms(began, short_ones[i]));
    CHECK(!ciba_flow_auth_req_id(flow, NULL));
    CHECK_STATUS(CIBA_PENDING, ciba_step(flow, -1, NULL)); /* nothing is lost: the start goes on */
    CHECK(ciba_flow_auth_req_id(flow, NULL) != NULL);
    ciba_free(flow);
  }
  ciba_request_free(request);
}

struct waiting {
  ciba_flow *flow;
  int64_t timeout_ms;
  ciba_status status;
};

static void *wait_in_poll(void *argument) {
  struct waiting *waiting = argument;
  waiting->status = ciba_poll(waiting->flow, waiting->timeout_ms, NULL);
  return NULL;
}

static void poll_waits_for_the_outcome(void) {
  struct waiting waiting[COUNT(without_end)];
  pthread_t threads[COUNT(without_end)];
  size_t i;
  ciba_flow *flow = new_flow(client, "wait");
  for (i = 0; i < COUNT(without_end); i++) {
    waiting[i].flow = flow;
    waiting[i].timeout_ms = without_end[i];
    waiting[i].status = -1;
    CHECK(pthread_create(&threads[i], NULL, wait_in_poll, &waiting[i]) == 0);
  }
  for (i = 0; i < COUNT(short_ones); i++) {
    int64_t began = now_us();
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, short_ones[i], NULL));
    CHECK(waited_ms(began, short_ones[i]));
  }
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  for (i = 0; i < COUNT(without_end); i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_STATUS(CIBA_CANCELLED, waiting[i].status);
    CHECK_STATUS(CIBA_CANCELLED, ciba_poll(flow, without_end[i], NULL)); /* an outcome stays */
  }
  ciba_free(flow);
}

static void step_never_waits_for_a_due_time(void) {
  ciba_flow *flow = new_flow(client, "wait");
  size_t i;
  for (i = 0; i < COUNT(without_end); i++)
    CHECK_STATUS(CIBA_PENDING, ciba_step(flow, without_end[i], NULL));
  for (i = 0; i < COUNT(short_ones); i++)
    CHECK_STATUS(CIBA_PENDING, ciba_step(flow, short_ones[i], NULL));
  CHECK_NUMBER(0, requests("/connect/token -> 400 slow_down"));
  ciba_free(flow);
}

static void cancel_waits_for_the_provider(void) {
  size_t i;
  for (i = 0; i < COUNT(without_end); i++) {
    ciba_flow *flow = new_flow(client, "wait");
    CHECK_STATUS(CIBA_OK, ciba_cancel(flow, without_end[i], NULL));
    ciba_free(flow);
  }
  for (i = 0; i < COUNT(short_ones); i++) {
    ciba_flow *flow = new_flow(client, "wait");
    fault("cancel", "{\"hold\": 1500}");
    CHECK_STATUS(CIBA_PENDING, ciba_cancel(flow, short_ones[i], NULL));
    CHECK_STATUS(CIBA_CANCELLED, ciba_poll(flow, -1, NULL));
    CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL)); /* collects the answer to the same call */
    ciba_free(flow);
  }
  CHECK_NUMBER((int64_t)(COUNT(without_end) + COUNT(short_ones) + 1), requests("204 cancelled"));
}

static void check_waits_for_metadata_and_keys(void) {
  size_t i;
  for (i = 0; i < COUNT(without_end); i++)
    CHECK_STATUS(CIBA_OK, ciba_client_check(client, without_end[i], NULL));
  for (i = 0; i < COUNT(short_ones); i++) {
    ciba_client *fresh = new_client();
    fault("jwks", "{\"hold\": 1500}");
    CHECK_STATUS(CIBA_PENDING, ciba_client_check(fresh, short_ones[i], NULL));
    CHECK_STATUS(CIBA_OK, ciba_client_check(fresh, -1, NULL));
    ciba_client_free(fresh);
  }
}

static const struct test tests[] = {
    {"ciba_init waits for the acknowledgement as long as it is told, and loses nothing", init_waits_for_the_acknowledgement},
    {"ciba_poll waits for the outcome as long as it is told", poll_waits_for_the_outcome},
    {"ciba_step never waits for a due time", step_never_waits_for_a_due_time},
    {"ciba_cancel waits for the provider as long as it is told, and asks it once", cancel_waits_for_the_provider},
    {"ciba_client_check waits as long as it is told", check_waits_for_metadata_and_keys},
};

int main(void) {
  int failed;
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
