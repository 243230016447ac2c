/* One flow, several threads: cancelling, waiting, freeing.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "provider.h"

#define MOST 100

static ciba_client *client;

/* A thread in a call, and when that returned. */
struct call {
  pthread_t thread;
  ciba_flow *flow;
  ciba_status status;
  int64_t returned_us;
};

static void *in_poll(void *argument) {
  struct call *call = argument;
  call->status = ciba_poll(call->flow, -1, NULL);
  call->returned_us = now_us();
  return NULL;
}

static void *in_init(void *argument) {
  struct call *call = argument;
  ciba_request *request = new_request("wait");
  call->status = ciba_init(client, request, -1, &call->flow, NULL);
  call->returned_us = now_us();
  ciba_request_free(request);
  return NULL;
}

static void begin(struct call *call, void *(*body)(void *), ciba_flow *flow) {
  call->flow = flow;
  call->status = -1;
  CHECK(pthread_create(&call->thread, NULL, body, call) == 0);
}

static ciba_status join(struct call *call) {
  CHECK(pthread_join(call->thread, NULL) == 0);
  return call->status;
}

static void a_flow_is_cancelled_while_another_thread_starts_it(void) {
  struct call call;
  int64_t began;
  int before = requests("204 cancelled");
  fault("start", "{\"process_then_hold\": 2000}");
  begin(&call, in_init, NULL);
  wait_for_requests("/connect/ciba -> (open)", 1);
  began = now_us(); /* the flow was set before anything was sent */
  CHECK_STATUS(CIBA_PENDING, ciba_cancel(__atomic_load_n(&call.flow, __ATOMIC_ACQUIRE), 0, NULL));
  CHECK_STATUS(CIBA_CANCELLED, join(&call));
  CHECK(call.returned_us - began < 1500000); /* it did not wait for the acknowledgement */
  /* Acknowledged after the cancel, it is cancelled at the provider too. */
  CHECK_STATUS(CIBA_OK, ciba_cancel(call.flow, -1, NULL));
  CHECK_NUMBER(before + 1, requests("204 cancelled"));
  CHECK_STATUS(CIBA_CANCELLED, ciba_poll(call.flow, -1, NULL));
  ciba_free(call.flow);
}

static void a_flow_is_cancelled_while_another_thread_waits_for_it(void) {
  struct call call;
  int polls;
  begin(&call, in_poll, new_flow(client, "wait"));
  sleep_ms(100);
  polls = requests("/connect/token");
  CHECK_STATUS(CIBA_OK, ciba_cancel(call.flow, -1, NULL));
  CHECK_STATUS(CIBA_CANCELLED, join(&call));
  sleep_ms(3000); /* three intervals of silence */
  CHECK_NUMBER(polls, requests("/connect/token"));
  ciba_free(call.flow);
}

static void wake_up_all(struct call *calls, size_t count, const char *what) {
  int64_t woke_us[MOST];
  size_t i;
  for (i = 0; i < count; i++) {
    int64_t began = now_us();
    ciba_cancel(calls[i].flow, 0, NULL);
    CHECK_STATUS(CIBA_CANCELLED, join(&calls[i]));
    woke_us[i] = calls[i].returned_us - began;
    CHECK(woke_us[i] < 1000000); /* not a hang; the figure is printed */
  }
  print_times(what, woke_us, count);
  for (i = 0; i < count; i++) {
    CHECK_STATUS(CIBA_OK, ciba_cancel(calls[i].flow, -1, NULL));
    ciba_free(calls[i].flow);
  }
}

static void a_waiting_poll_wakes_up_when_it_is_cancelled(void) {
  struct call calls[MOST];
  size_t i, count = (size_t)less(MOST, 10);
  for (i = 0; i < count; i++)
    begin(&calls[i], in_poll, new_flow(client, "wait"));
  sleep_ms(200);
  wake_up_all(calls, count, "wake-up of ciba_poll by ciba_cancel");
}

static void a_poll_that_the_provider_holds_open_wakes_up_when_it_is_cancelled(void) {
  struct call calls[MOST];
  size_t i, count = (size_t)less(50, 5);
  tell("POST /fault", "{\"kind\": \"poll\", \"fault\": {\"hold\": 30000}, \"always\": true}");
  for (i = 0; i < count; i++)
    begin(&calls[i], in_poll, new_flow(client, "wait"));
  wait_for_requests("/connect/token -> (open)", (int)count);
  wake_up_all(calls, count, "the same while the provider holds the poll open");
  tell("DELETE /fault", NULL);
}

static void several_threads_wait_for_one_flow_and_the_provider_is_asked_once_at_a_time(void) {
  struct call calls[8];
  ciba_flow *flow = new_flow(client, "wait");
  size_t i;
  int before = requests("/connect/token");
  for (i = 0; i < 8; i++)
    begin(&calls[i], in_poll, flow);
  wait_for_requests("authorization_pending", 1);
  tell("POST /approve", "{}");
  for (i = 0; i < 8; i++)
    CHECK_STATUS(CIBA_OK, join(&calls[i]));
  CHECK_NUMBER(0, requests("slow_down"));
  CHECK(requests("/connect/token") - before <= 3);
  ciba_free(flow);
}

static void a_flow_that_is_freed_sends_those_away_who_wait_for_it(void) {
  struct call calls[4];
  ciba_flow *flow = new_flow(client, "wait");
  size_t i;
  for (i = 0; i < 4; i++)
    begin(&calls[i], in_poll, flow);
  sleep_ms(200); /* all four are inside */
  ciba_free(flow);
  for (i = 0; i < 4; i++)
    CHECK_STATUS(CIBA_FREED, join(&calls[i]));

  fault("poll", "{\"hold\": 30000}"); /* the same while a poll is under way */
  flow = new_flow(client, "wait");
  begin(&calls[0], in_poll, flow);
  wait_for_requests("/connect/token -> (open)", 1);
  ciba_free(flow);
  CHECK_STATUS(CIBA_FREED, join(&calls[0]));
}

static void a_flow_that_is_closed_sends_away_who_waits_and_who_comes_later(void) {
  struct call call;
  int polls;
  begin(&call, in_poll, new_flow(client, "wait"));
  sleep_ms(100);
  ciba_flow_close(call.flow);
  CHECK_STATUS(CIBA_FREED, join(&call));
  polls = requests("/connect/token");
  sleep_ms(1500); /* a poll would be due */
  CHECK_STATUS(CIBA_FREED, ciba_poll(call.flow, 0, NULL));
  CHECK_STATUS(CIBA_FREED, ciba_poll(call.flow, -1, NULL));
  CHECK_STATUS(CIBA_FREED, ciba_step(call.flow, -1, NULL));
  CHECK(ciba_flow_auth_req_id(call.flow, NULL) != NULL); /* accessors go on */
  CHECK_NUMBER(polls, requests("/connect/token"));
  ciba_free(call.flow);
}

static void *sign_in(void *argument) {
  struct call *call = argument;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  ciba_tokens *tokens = NULL;
  call->status = ciba_poll(flow, -1, NULL);
  CHECK_STATUS(CIBA_OK, ciba_flow_tokens(flow, &tokens, NULL));
  CHECK(ciba_tokens_claim(tokens, "mitid.uuid", NULL) != NULL);
  ciba_free(flow);
  ciba_tokens_free(tokens);
  return NULL;
}

static void one_client_serves_many_threads(void) {
  struct call calls[16];
  size_t i;
  for (i = 0; i < 16; i++)
    begin(&calls[i], sign_in, NULL);
  for (i = 0; i < 16; i++)
    CHECK_STATUS(CIBA_OK, join(&calls[i]));
}

static const struct test tests[] = {
    {"a flow is cancelled while another thread starts it, and then at the provider too", a_flow_is_cancelled_while_another_thread_starts_it},
    {"a flow is cancelled while another thread waits for it", a_flow_is_cancelled_while_another_thread_waits_for_it},
    {"a waiting poll wakes up when it is cancelled", a_waiting_poll_wakes_up_when_it_is_cancelled},
    {"a poll that the provider holds open wakes up when it is cancelled", a_poll_that_the_provider_holds_open_wakes_up_when_it_is_cancelled},
    {"several threads wait for one flow, and the provider is asked once at a time", several_threads_wait_for_one_flow_and_the_provider_is_asked_once_at_a_time},
    {"a flow that is freed sends those away who wait for it", a_flow_that_is_freed_sends_those_away_who_wait_for_it},
    {"a flow that is closed sends away who waits and who comes later; accessors go on", a_flow_that_is_closed_sends_away_who_waits_and_who_comes_later},
    {"one client serves many threads", one_client_serves_many_threads},
};

int main(void) {
  int failed;
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
