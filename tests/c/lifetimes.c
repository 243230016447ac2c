/* Handles are freed in any order; each keeps what it needs of the others.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "provider.h"

enum { CONFIG, CLIENT, REQUEST, FLOW, TOKENS, KINDS };

struct handles {
  ciba_config *config;
  ciba_client *client;
  ciba_request *request;
  ciba_flow *flow;
  ciba_tokens *tokens;
};

static void make(struct handles *all) {
  all->config = new_config();
  CHECK_STATUS(CIBA_OK, ciba_client_new(all->config, &all->client, NULL));
  all->request = new_request("approve after 0 s");
  CHECK_STATUS(CIBA_OK, ciba_init(all->client, all->request, -1, &all->flow, NULL));
}

static void free_one(struct handles *all, int which) {
  if (which == CONFIG)
    ciba_config_free(all->config);
  if (which == CLIENT)
    ciba_client_free(all->client);
  if (which == REQUEST)
    ciba_request_free(all->request);
  if (which == FLOW)
    ciba_free(all->flow);
  if (which == TOKENS)
    ciba_tokens_free(all->tokens);
}

/* What is not freed yet still does its work. */
static void use(struct handles *all, const int *freed) {
  if (!freed[CONFIG])
    CHECK_STATUS(CIBA_OK, ciba_config_set(all->config, "clock_tolerance_s", "61", NULL));
  if (!freed[CLIENT])
    CHECK_STATUS(CIBA_OK, ciba_client_check(all->client, -1, NULL));
  if (!freed[REQUEST])
    CHECK_STATUS(CIBA_OK, ciba_request_set(all->request, "scope", "openid", NULL));
  if (!freed[FLOW])
    CHECK_STATUS(CIBA_OK, ciba_poll(all->flow, -1, NULL));
  if (!freed[TOKENS])
    CHECK(strcmp(ciba_tokens_claim(all->tokens, "mitid.uuid", NULL), UUID) == 0);
}

/* The permutation of this number: 0 to 119. */
static void order_of(int number, int *order) {
  int left[KINDS] = {CONFIG, CLIENT, REQUEST, FLOW, TOKENS}, count, i;
  for (count = KINDS; count > 0; count--) {
    int at = number % count;
    number /= count;
    order[KINDS - count] = left[at];
    for (i = at; i < count - 1; i++)
      left[i] = left[i + 1];
  }
}

#define ORDERS 120

static void handles_are_freed_in_every_order(void) {
  static struct handles all[ORDERS];
  int number, i, step = less(1, 12);
  for (number = 0; number < ORDERS; number += step)
    make(&all[number]);
  for (number = 0; number < ORDERS; number += step) {
    CHECK_STATUS(CIBA_OK, ciba_poll(all[number].flow, -1, NULL));
    CHECK_STATUS(CIBA_OK, ciba_flow_tokens(all[number].flow, &all[number].tokens, NULL));
  }
  for (number = 0; number < ORDERS; number += step) {
    int order[KINDS], freed[KINDS] = {0, 0, 0, 0, 0};
    order_of(number, order);
    for (i = 0; i < KINDS; i++) {
      use(&all[number], freed);
      free_one(&all[number], order[i]);
      freed[order[i]] = 1;
    }
  }
}

static void a_flow_goes_on_without_its_client_settings_and_request(void) {
  ciba_client *client = new_client();
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  ciba_client_free(client);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  ciba_free(flow);
}

static void a_request_serves_for_several_flows(void) {
  ciba_client *client = new_client();
  ciba_request *request = new_request("approve after 0 s");
  ciba_flow *first, *second;
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &first, NULL));
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &second, NULL));
  CHECK(strcmp(ciba_flow_auth_req_id(first, NULL), ciba_flow_auth_req_id(second, NULL)) != 0);
  CHECK_STATUS(CIBA_OK, ciba_poll(first, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(second, -1, NULL));
  ciba_free(first);
  ciba_free(second);
  ciba_request_free(request);
  ciba_client_free(client);
}

static void tokens_are_fetched_as_often_as_wanted(void) {
  ciba_client *client = new_client();
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  ciba_tokens *first, *second;
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_tokens(flow, &first, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_tokens(flow, &second, NULL));
  ciba_free(flow);
  ciba_client_free(client);
  ciba_tokens_free(first);
  CHECK(strcmp(ciba_tokens_claim(second, "mitid.uuid", NULL), UUID) == 0);
  ciba_tokens_free(second);
}

static void a_flow_that_is_cancelled_twice_is_cancelled_once_at_the_provider(void) {
  ciba_client *client = new_client();
  ciba_flow *flow = new_flow(client, "wait");
  int before = requests("DELETE");
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, 0, NULL));
  CHECK_STATUS(CIBA_CANCELLED, ciba_flow_outcome(flow));
  CHECK_STATUS(CIBA_CANCELLED, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_CANCELLED, ciba_step(flow, -1, NULL));
  CHECK_NUMBER(before + 1, requests("DELETE"));
  ciba_free(flow);

  flow = new_flow(client, "approve after 0 s"); /* one that has ended stays as it ended */
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_outcome(flow));
  CHECK_NUMBER(before + 1, requests("DELETE"));
  ciba_free(flow);
  ciba_client_free(client);
}

static void a_freed_flow_sends_nothing_more(void) {
  ciba_client *client = new_client();
  ciba_flow *flow = new_flow(client, "wait");
  int before;
  CHECK_STATUS(CIBA_OK, ciba_client_check(client, -1, NULL)); /* the keys are here */
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 1500, NULL));
  wait_for_requests("authorization_pending", 1);
  before = requests("/");
  ciba_free(flow);
  sleep_ms(3000); /* three intervals */
  CHECK_NUMBER(before, requests("/"));
  ciba_client_free(client);
}

static const struct test tests[] = {
    {"handles are freed in every order, and the others still work", handles_are_freed_in_every_order},
    {"a flow goes on without its client, settings and request", a_flow_goes_on_without_its_client_settings_and_request},
    {"a request serves for several flows", a_request_serves_for_several_flows},
    {"tokens are fetched as often as wanted and outlive everything else", tokens_are_fetched_as_often_as_wanted},
    {"a flow that is cancelled twice is cancelled once at the provider", a_flow_that_is_cancelled_twice_is_cancelled_once_at_the_provider},
    {"a freed flow sends nothing more", a_freed_flow_sends_nothing_more},
};

int main(void) {
  return RUN(tests);
}
