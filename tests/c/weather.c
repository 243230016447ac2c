/* Bad weather, in a program that leaves SIGPIPE as it is: answers that are cut, absurd or endless,
 * connections that are reset, a network that is dead for a while.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static ciba_client *client;

/* No message shows what a provider or a caller might not want to be seen. */
static void check_message(const ciba_error *err) {
  const char *message = ciba_error_message(err);
  CHECK(message && !strpbrk(message, "\r\n"));
  CHECK(message && !strstr(message, UUID) && !strstr(message, fact("client_secret")));
  CHECK(message && !strstr(message, "planted"));
}

static void a_bad_answer_to_the_start_has_its_status_and_the_start_is_not_sent_again(void) {
  static const struct {
    const char *fault;
    ciba_status status;
  } bad[] = {
      {"\"close\"", CIBA_START_UNKNOWN},
      {"\"reset\"", CIBA_START_UNKNOWN},
      {"\"cut_before_headers\"", CIBA_START_UNKNOWN},
      {"\"cut_in_headers\"", CIBA_START_UNKNOWN},
      {"{\"cut_in_body\": {\"status\": null}}", CIBA_START_UNKNOWN},
      {"\"endless_body\"", CIBA_START_UNKNOWN},
      {"{\"redirect\": \"https://planted.example/\"}", CIBA_REDIRECTED},
      {"{\"answer\": {\"status\": 502, \"body\": \"<html>planted</html>\"}}", CIBA_START_UNKNOWN},
      {"{\"answer\": {\"status\": 200, \"body\": \"<html>planted</html>\"}}", CIBA_START_UNKNOWN},
      {"{\"answer\": {\"status\": 400, \"body\": \"{\\\"error\\\": \\\"unknown_user_id\\\"}\"}}", CIBA_UNKNOWN_USER_ID},
      {"{\"raw\": \"{}\"}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"raw\": \"{\\\"auth_req_id\\\": \\\"planted\\\"}\"}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"raw\": \"{\\\"auth_req_id\\\": \\\"a\\\", \\\"auth_req_id\\\": \\\"b\\\", \\\"expires_in\\\": 60}\"}", CIBA_START_UNKNOWN},
      {"{\"patch\": {\"auth_req_id\": \"\"}}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"patch\": {\"auth_req_id\": 7}}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"patch\": {\"expires_in\": 0}}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"patch\": {\"expires_in\": -1}}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"patch\": {\"expires_in\": \"soon\"}}", CIBA_INVALID_ACKNOWLEDGEMENT},
      {"{\"patch\": {\"expires_in\": null}}", CIBA_INVALID_ACKNOWLEDGEMENT},
  };
  size_t i;
  ciba_request *request = new_request("wait");
  for (i = 0; i < COUNT(bad); i++) {
    ciba_flow *flow = NULL;
    ciba_error *err = NULL;
    int before = requests("/connect/ciba");
    fault("start", bad[i].fault);
    if (ciba_init(client, request, -1, &flow, &err) != bad[i].status) {
      CHECK_STATUS(bad[i].status, ciba_error_status(err));
      fprintf(stderr, "   with the fault %s\n", bad[i].fault);
    }
    check_message(err);
    ciba_error_free(err);
    CHECK_STATUS(bad[i].status, ciba_poll(flow, -1, NULL)); /* the flow has its outcome */
    CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(flow));
    CHECK_NUMBER(before + 1, requests("/connect/ciba"));
    ciba_free(flow);
  }
  ciba_request_free(request);
}

static void absurd_numbers_in_the_acknowledgement_are_capped(void) {
  static const char *const patches[] = {
      "{\"patch\": {\"interval\": 0}}",
      "{\"patch\": {\"interval\": -1}}",
      "{\"patch\": {\"interval\": \"x\"}}",
      "{\"patch\": {\"interval\": 2147483648, \"expires_in\": 2147483648}}",
      "{\"patch\": {\"interval\": 9007199254740992, \"expires_in\": 9007199254740992}}",
      "{\"patch\": {\"interval\": 9223372036854775807, \"expires_in\": 9223372036854775807}}",
      "{\"raw\": \"{\\\"auth_req_id\\\": \\\"a\\\", \\\"expires_in\\\": 18446744073709551616, \\\"interval\\\": 1e400}\"}",
  };
  size_t i;
  for (i = 0; i < COUNT(patches); i++) {
    ciba_flow *flow;
    fault("start", patches[i]);
    flow = new_flow(client, "wait");
    CHECK(ciba_flow_interval_ms(flow) >= 1000 && ciba_flow_interval_ms(flow) <= 86400000);
    CHECK(ciba_flow_expires_at(flow) > 0);
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 10, NULL));
    ciba_free(flow);
  }
}

static void deep_nesting_does_no_harm(void) {
  enum { DEEP = 100000 };
  char *body = malloc(2 * DEEP + 200), *end = body + sprintf(body, "{\"raw\": \"{\\\"auth_req_id\\\": ");
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL;
  memset(end, '[', DEEP);
  memset(end + DEEP, ']', DEEP);
  strcpy(end + 2 * DEEP, ", \\\"expires_in\\\": 60}\"}");
  fault("start", body);
  free(body);
  CHECK(ciba_init(client, request, -1, &flow, NULL) >= 100);
  CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(flow));
  ciba_free(flow);
  ciba_request_free(request);
}

static void trouble_while_polling_is_waited_out(void) {
  static const char *const trouble[] = {
      "\"reset\"", "\"close\"", "{\"answer\": {\"status\": 503, \"body\": \"<html>planted</html>\"}}",
      "{\"cut_in_body\": {\"status\": 502}}",
  };
  ciba_flow *flows[COUNT(trouble)];
  size_t i;
  for (i = 0; i < COUNT(trouble); i++) {
    ciba_error *err = NULL;
    flows[i] = new_flow(client, "wait");
    fault("poll", trouble[i]);
    while (!err && ciba_poll(flows[i], 100, NULL) == CIBA_PENDING)
      err = ciba_flow_trouble(flows[i]);
    check_message(err);
    ciba_error_free(err);
  }
  for (i = 0; i < COUNT(trouble); i++) {
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flows[i], 0, NULL));
    ciba_free(flows[i]);
  }
}

static void a_wrong_certificate_is_refused_before_anything_is_sent(void) {
  ciba_client *untrusting = new_client_with("ca_mode", "add");
  ciba_config *config = new_config();
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL;
  int before = requests("/");
  ciba_client_free(untrusting);
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "ca_file", "", NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set(config, "ca_mode", "", NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &untrusting, NULL));
  CHECK_STATUS(CIBA_TLS_FAILED, ciba_init(untrusting, request, -1, &flow, NULL));
  CHECK_NUMBER(before, requests("/"));
  ciba_free(flow);
  ciba_request_free(request);
  ciba_config_free(config);
  ciba_client_free(untrusting);
}

/* Ended by SIGPIPE, as this program itself would be. */
static void write_to_a_broken_connection(void) {
  int ends[2];
  pid_t child = fork();
  int status = 0;
  if (child == 0) {
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    close(ends[1]);
    (void)!write(ends[0], "x", 1);
    _exit(0);
  }
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void a_program_with_default_sigpipe_survives_resets(void) {
  ciba_request *request = new_request("wait");
  ciba_flow *waiting = new_flow(client, "wait");
  int round, rounds = less(30, 5);
  write_to_a_broken_connection();
  for (round = 0; round < rounds; round++) {
    ciba_flow *flow = NULL;
    tell("POST /drop", "{\"reset\": true}"); /* what is kept alive is gone */
    tell("POST /reset_on_accept", "{\"reset\": true}"); /* within TLS */
    ciba_init(client, request, -1, &flow, NULL);
    CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(flow));
    ciba_free(flow);
    ciba_poll(waiting, 50, NULL);
    tell("POST /reset_on_accept", "{\"reset\": false}");
    fault("start", "\"reset\""); /* within an exchange */
    ciba_init(client, request, -1, &flow, NULL);
    CHECK_STATUS(CIBA_FAILED, ciba_flow_outcome(flow));
    ciba_free(flow);
  }
  ciba_free(waiting);
  ciba_request_free(request);
}

static void a_flow_survives_a_dead_network_in_its_middle(void) {
  ciba_flow *flow = new_flow(client, "wait");
  ciba_error *trouble;
  int64_t times_us[1000];
  size_t i;
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 1500, NULL));
  tell("POST /offline", NULL);
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 5000, NULL));
  trouble = ciba_flow_trouble(flow);
  CHECK_STATUS(CIBA_CONNECT_FAILED, ciba_error_status(trouble));
  check_message(trouble);
  ciba_error_free(trouble);
  CHECK_STATUS(CIBA_PENDING, ciba_flow_outcome(flow));
  for (i = 0; i < COUNT(times_us); i++) {
    int64_t began = now_us();
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 0, NULL));
    times_us[i] = now_us() - began;
  }
  print_times("ciba_poll with timeout 0 while the network is dead", times_us, COUNT(times_us));
  tell("POST /online", NULL);
  tell("POST /approve", "{}");
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  ciba_free(flow);
}

static void a_start_without_a_network_fails_and_rings_nobody(void) {
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL;
  tell("POST /offline", NULL);
  CHECK_STATUS(CIBA_CONNECT_FAILED, ciba_init(client, request, -1, &flow, NULL));
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL)); /* nothing to do */
  tell("POST /online", NULL);
  ciba_free(flow);
  ciba_request_free(request);
}

static const struct test tests[] = {
    {"a bad answer to the start has its status, and the start is not sent again", a_bad_answer_to_the_start_has_its_status_and_the_start_is_not_sent_again},
    {"absurd numbers in the acknowledgement are capped", absurd_numbers_in_the_acknowledgement_are_capped},
    {"nesting 100,000 deep does no harm", deep_nesting_does_no_harm},
    {"trouble while polling is waited out", trouble_while_polling_is_waited_out},
    {"a wrong certificate is refused before anything is sent", a_wrong_certificate_is_refused_before_anything_is_sent},
    {"a program with default SIGPIPE survives resets", a_program_with_default_sigpipe_survives_resets},
    {"a flow survives a dead network in its middle", a_flow_survives_a_dead_network_in_its_middle},
    {"a start without a network fails and rings nobody", a_start_without_a_network_fails_and_rings_nobody},
};

int main(void) {
  int failed;
  signal(SIGPIPE, SIG_DFL);
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
