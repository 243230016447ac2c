/* Notifications that reach the process that has the flow, and one that has not: that forwards them, or goes
 * on with the flow itself.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

#define KEYS "2026:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ROW "row 7"
#define JSON "application/json"

/* What the provider sends, and a saved flow, on their way between processes. */
struct message {
  char authorization[2048];
  char body[4096];
  uint8_t saved[8192];
  size_t saved_length;
};

static ciba_client *client;
static const char *program; /* this one */

static ciba_client *notified_client(void) {
  const char *settings[][2] = {
      {"backchannel_token_delivery_mode", "ping"},
      {"backchannel_client_notification_endpoint", "https://desk.example/ciba"},
      {"saved_flow_keys", KEYS},
      {"saved_flow_exclusive", "true"},
  };
  ciba_config *config = new_config();
  ciba_client *made = NULL;
  size_t i;
  for (i = 0; i < sizeof settings / sizeof *settings; i++)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, settings[i][0], settings[i][1], NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &made, NULL));
  ciba_config_free(config);
  return made;
}

/* Delivers, and says what became of it; the HTTP status goes to http_status. */
static ciba_status delivered(const struct message *message, int32_t *http_status) {
  ciba_notification *notification = NULL;
  ciba_error *err = NULL;
  ciba_status status;
  size_t length = 0;
  const char *id;
  CHECK_STATUS(CIBA_OK, ciba_notification_deliver(client, "POST", message->authorization, JSON, (const uint8_t *)message->body,
                                                  strlen(message->body), &notification, &err));
  CHECK(notification && !err);
  CHECK_NUMBER(CIBA_KIND_PING, ciba_notification_kind(notification));
  id = ciba_notification_auth_req_id(notification, &length);
  CHECK(id && strlen(id) == length && strstr(message->body, id));
  status = ciba_notification_status(notification);
  *http_status = ciba_notification_http_status(notification);
  ciba_notification_free(notification);
  return status;
}

/* What the provider would send for the newest request. */
static void notice_of(ciba_flow *flow, struct message *message) {
  char *notice = control("POST /notice", "{}"), *from, *to;
  memset(message, 0, sizeof *message);
  from = strstr(notice, "\"Bearer ");
  to = from ? strchr(from + 1, '"') : NULL;
  if (CHECK(to && (size_t)(to - from) < sizeof message->authorization))
    memcpy(message->authorization, from + 1, (size_t)(to - from - 1));
  sprintf(message->body, "{\"auth_req_id\":\"%.1000s\"}", ciba_flow_auth_req_id(flow, NULL));
  free(notice);
}

static int transfer(int fd, struct message *message, int writes) {
  char *at = (char *)message;
  size_t left = sizeof *message;
  while (left > 0) {
    ssize_t done = writes ? write(fd, at, left) : read(fd, at, left);
    if (done <= 0)
      return 0;
    at += done;
    left -= (size_t)done;
  }
  return 1;
}

/* The process that has not the flow: reads a message from descriptor 3, and forwards it to descriptor 4, or
 * goes on with the flow that is in it. */
static int elsewhere(void) {
  static struct message message;
  int32_t http_status = 0;
  ciba_flow *flow = NULL;
  int good = transfer(3, &message, 0);
  client = notified_client();
  good &= delivered(&message, &http_status) == CIBA_NOTIFICATION_UNKNOWN_FLOW && http_status == 401;
  if (message.saved_length == 0)
    good &= transfer(4, &message, 1);
  else {
    good &= ciba_flow_resume(client, message.saved, message.saved_length, ROW, &flow, NULL) == CIBA_OK;
    good &= delivered(&message, &http_status) == CIBA_OK && http_status == 204;
    good &= ciba_poll(flow, PATIENCE_MS, NULL) == CIBA_OK;
    ciba_free(flow);
  }
  ciba_client_free(client);
  return good ? 0 : 1;
}

/* Starts that process and gives it the message; what it forwards comes in its place. */
static void at_another_process(struct message *message) {
  int to[2], from[2], status = -1, forwards = message->saved_length == 0;
  pid_t child;
  CHECK(pipe(to) == 0 && pipe(from) == 0);
  child = fork();
  if (child == 0) {
    /* Away from 3 and 4 first, which the pipes themselves may be. */
    int in = dup2(to[0], 20), out = dup2(from[1], 21);
    dup2(in, 3);
    dup2(out, 4);
    execl(program, program, "elsewhere", (char *)NULL);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  CHECK(transfer(to[1], message, 1));
  close(to[1]);
  if (forwards) {
    memset(message, 0, sizeof *message);
    CHECK(transfer(from[0], message, 0));
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  CHECK_NUMBER(0, WEXITSTATUS(status));
  close(from[0]);
}

static void a_ping_has_the_tokens_fetched_at_once(void) {
  static struct message message;
  int32_t http_status = 0;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  int before = requests("/connect/token");
  notice_of(flow, &message);
  CHECK_STATUS(CIBA_PENDING, ciba_step(flow, 0, NULL));
  CHECK_NUMBER(before, requests("/connect/token"));
  CHECK_STATUS(CIBA_OK, delivered(&message, &http_status));
  CHECK_NUMBER(204, http_status);
  CHECK_STATUS(CIBA_OK, ciba_step(flow, -1, NULL)); /* never sleeps towards a due time */
  CHECK_STATUS(CIBA_OK, delivered(&message, &http_status)); /* late */
  CHECK_NUMBER(204, http_status);
  CHECK_NUMBER(before + 1, requests("/connect/token"));
  ciba_free(flow);
}

static void another_process_forwards_it_to_the_one_that_has_the_flow(void) {
  static struct message message;
  int32_t http_status = 0;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  notice_of(flow, &message);
  at_another_process(&message);
  CHECK_STATUS(CIBA_OK, delivered(&message, &http_status));
  CHECK_STATUS(CIBA_OK, ciba_step(flow, -1, NULL));
  ciba_free(flow);
}

static void another_process_resumes_the_saved_flow_and_delivers_there(void) {
  static struct message message;
  int32_t http_status = 0;
  ciba_saved_flow *saved = NULL;
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  const uint8_t *bytes;
  notice_of(flow, &message);
  CHECK_STATUS(CIBA_OK, ciba_flow_hand_over(flow, ROW, -1, &saved, NULL));
  bytes = ciba_saved_flow_bytes(saved, &message.saved_length);
  if (CHECK(bytes && message.saved_length < sizeof message.saved))
    memcpy(message.saved, bytes, message.saved_length);
  ciba_saved_flow_free(saved);
  CHECK_STATUS(CIBA_NOTIFICATION_UNKNOWN_FLOW, delivered(&message, &http_status)); /* it is not here any more */
  CHECK_NUMBER(401, http_status);
  at_another_process(&message);
  CHECK_STATUS(CIBA_HANDED_OVER, ciba_flow_outcome(flow));
  ciba_free(flow);
}

static const struct test tests[] = {
    {"a ping has the tokens fetched at once", a_ping_has_the_tokens_fetched_at_once},
    {"another process forwards it to the one that has the flow", another_process_forwards_it_to_the_one_that_has_the_flow},
    {"another process resumes the saved flow and delivers there", another_process_resumes_the_saved_flow_and_delivers_there},
};

int main(int argc, char **argv) {
  int failed;
  if (argc == 2)
    return elsewhere();
  program = argv[0];
  client = notified_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
