/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "provider.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void give_up(const char *what) {
  fprintf(stderr, "the test cannot go on: %s\n", what);
  exit(1);
}

const char *fact(const char *name) {
  char variable[64] = "CIBA_SIM_";
  const char *value;
  char *to = variable + strlen(variable);
  for (; *name; name++)
    *to++ = (char)toupper((unsigned char)*name);
  value = getenv(variable);
  if (!value)
    give_up("it has to be run by tests/c/run");
  return value;
}

static int connected(void) {
  const char *colon = strrchr(fact("control"), ':');
  struct sockaddr_in address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(colon + 1));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    give_up("the control interface cannot be reached");
  return fd;
}

char *control(const char *method_and_path, const char *json) {
  size_t size = 0, room = 4096, length = json ? strlen(json) : 0;
  char *answer = malloc(room), *request = malloc(strlen(method_and_path) + length + 200), *body;
  int fd = connected(), head;
  ssize_t got;
  head = sprintf(request, "%s HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n%s",
                 method_and_path, length, json ? json : "");
  if (send(fd, request, (size_t)head, MSG_NOSIGNAL) != head)
    give_up("the control interface does not listen");
  while ((got = recv(fd, answer + size, room - size - 1, 0)) > 0) {
    size += (size_t)got;
    if (room - size < 2048)
      answer = realloc(answer, room *= 2);
  }
  close(fd);
  free(request);
  answer[size] = '\0';
  body = strstr(answer, "\r\n\r\n");
  if (!body || strncmp(answer, "HTTP/1.1 200", 12) != 0) {
    fprintf(stderr, "%s %s: %s\n", method_and_path, json ? json : "", answer);
    give_up("the control interface refuses");
  }
  memmove(answer, body + 4, strlen(body + 4) + 1);
  return answer;
}

void tell(const char *method_and_path, const char *json) {
  free(control(method_and_path, json));
}

void fault(const char *kind, const char *json) {
  char *body = malloc(strlen(json) + 100);
  sprintf(body, "{\"kind\": \"%s\", \"fault\": %s}", kind, json);
  tell("POST /fault", body);
  free(body);
}

int requests(const char *text) {
  /* The answer is a list of texts: ["0 POST /op/connect/ciba -> 200 ack","…"] */
  char *lines = control("GET /lines", NULL), *line;
  int count = 0;
  for (line = strtok(lines, "\""); line; line = strtok(NULL, "\""))
    count += strstr(line, text) != NULL;
  free(lines);
  return count;
}

void wait_for_requests(const char *text, int count) {
  int64_t until = now_us() + PATIENCE_MS * 1000;
  while (requests(text) < count && now_us() < until)
    sleep_ms(5);
  CHECK(requests(text) >= count);
}

void check_journal(const char *expected) {
  char *lines = control("GET /lines", NULL), *line, *to = calloc(strlen(lines) + 1, 1);
  char *seen = to;
  for (line = strtok(lines, "\""); line; line = strtok(NULL, "\""))
    if (isdigit((unsigned char)*line))
      to += sprintf(to, "%s\n", strchr(line, ' ') + 1);
  if (!CHECK(strcmp(seen, expected) == 0))
    fprintf(stderr, "the journal:\n%s", seen);
  free(seen);
  free(lines);
}

ciba_config *new_config(void) {
  ciba_config *config = ciba_config_new();
  const char *settings[][2] = {{"provider", "signaturgruppen-test"}, {"ca_mode", "replace"}, {"proxy", "none"}};
  const char *facts[] = {"issuer", "client_id", "client_secret", "ca_file"};
  size_t i;
  for (i = 0; i < sizeof settings / sizeof *settings; i++)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, settings[i][0], settings[i][1], NULL));
  for (i = 0; i < sizeof facts / sizeof *facts; i++)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, facts[i], fact(facts[i]), NULL));
  return config;
}

ciba_client *new_client_with(const char *name, const char *value) {
  ciba_config *config = new_config();
  ciba_client *client = NULL;
  if (name)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, name, value, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &client, NULL));
  ciba_config_free(config);
  return client;
}

ciba_client *new_client(void) {
  return new_client_with(NULL, NULL);
}

ciba_request *new_request(const char *told) {
  ciba_request *request = ciba_request_new();
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "login_hint_token.uuid", UUID, NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "login_hint_token.ip", "127.0.0.1", NULL));
  CHECK_STATUS(CIBA_OK, ciba_request_set(request, "login_hint_token.referenceTextBody", told, NULL));
  return request;
}

ciba_flow *new_flow(ciba_client *client, const char *told) {
  ciba_request *request = new_request(told);
  ciba_flow *flow = NULL;
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &flow, NULL));
  ciba_request_free(request);
  return flow;
}
