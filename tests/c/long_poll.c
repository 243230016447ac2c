/* A provider that holds a poll open for 30 seconds, as some do until the person has answered.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>

#include "provider.h"

#define HOLD "{\"hold\": 30000}"

static ciba_client *client;

static ciba_flow *held_flow(void) {
  ciba_flow *flow = new_flow(client, "wait");
  int before = requests("/connect/token -> (open)");
  fault("poll", HOLD);
  while (requests("/connect/token -> (open)") == before)
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 100, NULL));
  return flow;
}

static void *in_poll(void *flow) {
  return (void *)(intptr_t)ciba_poll(flow, -1, NULL);
}

static void a_second_poll_shares_the_exchange_that_is_held(void) {
  ciba_flow *flow = held_flow();
  int polls = requests("/connect/token");
  int64_t began = now_us(), next_poll_in_ms = -1;
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 0, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_step(flow, 0, NULL));
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 1500, NULL)); /* more than an interval */
  CHECK_STATUS(CIBA_PENDING, ciba_step(flow, 100, NULL));
  CHECK(waited_ms(began, 1500));
  CHECK_NUMBER(2, ciba_flow_progress(flow, NULL, &next_poll_in_ms, NULL));
  CHECK_NUMBER(0, next_poll_in_ms); /* an exchange is under way */
  CHECK_NUMBER(polls, requests("/connect/token"));
  ciba_free(flow);
}

static void a_cancel_does_not_wait_for_the_exchange_that_is_held(void) {
  ciba_flow *flow = held_flow();
  pthread_t thread;
  void *status;
  int cancels = requests("204 cancelled");
  int64_t began = now_us();
  pthread_create(&thread, NULL, in_poll, flow);
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  pthread_join(thread, &status);
  CHECK_STATUS(CIBA_CANCELLED, (ciba_status)(intptr_t)status);
  CHECK_NUMBER(cancels + 1, requests("204 cancelled"));
  CHECK(now_us() - began < 15000000);
  ciba_free(flow);
}

static void freeing_does_not_wait_for_the_exchange_that_is_held(void) {
  ciba_flow *flow = held_flow();
  pthread_t thread;
  void *status;
  int cancels = requests("DELETE");
  int64_t began;
  pthread_create(&thread, NULL, in_poll, flow);
  sleep_ms(100);
  began = now_us();
  ciba_free(flow);
  pthread_join(thread, &status);
  CHECK(now_us() - began < 15000000);
  CHECK_STATUS(CIBA_FREED, (ciba_status)(intptr_t)status);
  CHECK_NUMBER(cancels, requests("DELETE")); /* freeing sends nothing */
}

static void the_answer_is_taken_when_it_comes_after_30_seconds(void) {
  ciba_flow *flow = held_flow();
  int polls = requests("/connect/token");
  int64_t began = now_us();
  tell("POST /approve", "{}");
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK(now_us() - began > 25000000);
  CHECK_NUMBER(polls, requests("/connect/token"));
  ciba_free(flow);
}

static const struct test tests[] = {
    {"a second poll shares the exchange that is held", a_second_poll_shares_the_exchange_that_is_held},
    {"a cancel does not wait for the exchange that is held", a_cancel_does_not_wait_for_the_exchange_that_is_held},
    {"freeing does not wait for the exchange that is held", freeing_does_not_wait_for_the_exchange_that_is_held},
    {"the answer is taken when it comes after 30 seconds", the_answer_is_taken_when_it_comes_after_30_seconds},
};

int main(void) {
  int failed;
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
