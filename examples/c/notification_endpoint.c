/* A sign-in in ping mode, with an HTTP server that does no more than this needs: one request for each
 * connection, with a Content-Length. It belongs behind one that speaks https: the provider sends to an https
 * URL, which is what the client is registered with (backchannel_client_notification_endpoint). */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <ciba.h>

#define MOST_BYTES 65536

static ciba_client *client;

/* The value of a header in the head of a request, which ends it with NUL; NULL where there is none. */
static char *header(char *head, const char *name) {
  size_t length = strlen(name);
  char *line;
  for (line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
      char *value = line + 2 + length + 1;
      return value + strspn(value, " \t");
    }
  }
  return NULL;
}

/* A copy of a value as far as its line goes. */
static const char *copied(const char *value, char *to, size_t room) {
  size_t length;
  if (!value)
    return NULL;
  length = strcspn(value, "\r\n");
  if (length >= room)
    return NULL; /* longer than any that is good */
  memcpy(to, value, length);
  to[length] = '\0';
  return to;
}

static int handled(const char *method, char *head, const char *body, size_t length) {
  char authorization[2048], content_type[256];
  ciba_notification *notification = NULL;
  int status = 503;
  if (ciba_notification_deliver(client, method, copied(header(head, "authorization"), authorization, sizeof authorization),
                                copied(header(head, "content-type"), content_type, sizeof content_type),
                                (const uint8_t *)body, length, &notification, NULL) == CIBA_OK)
    status = ciba_notification_http_status(notification);
  ciba_notification_free(notification);
  return status;
}

/* Reads one request and answers it. */
static void take(int connection) {
  static char request[MOST_BYTES + 1]; /* of the one thread that is here */
  char answer[128], method[16] = "", *body = NULL, *length;
  size_t size = 0, wanted = 0;
  ssize_t got;
  int status = 400;
  while (size < MOST_BYTES && (got = recv(connection, request + size, MOST_BYTES - size, 0)) > 0) {
    size += (size_t)got;
    request[size] = '\0';
    if (!body && (body = strstr(request, "\r\n\r\n")) != NULL) {
      body[2] = '\0';
      body += 4;
      length = header(request, "content-length");
      wanted = length ? strtoul(length, NULL, 10) : 0;
    }
    if (body && size - (size_t)(body - request) >= wanted)
      break;
  }
  if (body && size - (size_t)(body - request) >= wanted && sscanf(request, "%15s", method) == 1)
    status = handled(method, request, body, wanted);
  sprintf(answer, "HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
  send(connection, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *take_all(void *userdata) {
  int listener = *(int *)userdata;
  struct timeval patience = {10, 0};
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) {
      if (errno == EINVAL)
        return NULL; /* the endpoint is closed */
      continue;
    }
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    take(connection);
    close(connection);
  }
}

int main(void) {
  ciba_config *config = ciba_config_new();
  ciba_request *request = ciba_request_new();
  ciba_flow *flow = NULL;
  ciba_tokens *tokens = NULL;
  ciba_error *err = NULL;
  struct sockaddr_in address;
  pthread_t thread;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  const char *port = getenv("PORT");

  /* {"issuer": "…", "client_id": "desk-7", "backchannel_token_delivery_mode": "ping", …} */
  if (ciba_config_set_json(config, getenv("CIBA_SETTINGS"), &err) != CIBA_OK ||
      ciba_client_new(config, &client, &err) != CIBA_OK) {
    fprintf(stderr, "%s\n", ciba_error_message(err));
    return 1;
  }
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(port ? port : "0"));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
      pthread_create(&thread, NULL, take_all, &listener) != 0) {
    perror("the endpoint cannot be opened");
    return 1;
  }

  ciba_request_set(request, "login_hint", "alice", NULL);
  if (ciba_init(client, request, -1, &flow, &err) == CIBA_OK && /* the phone rings */
      ciba_poll(flow, -1, &err) == CIBA_OK &&                   /* the ping comes, and the tokens are fetched */
      ciba_flow_tokens(flow, &tokens, &err) == CIBA_OK)
    printf("Hello %s\n", ciba_tokens_claim(tokens, "sub", NULL));
  else
    fprintf(stderr, "%s\n", ciba_error_message(err));
  shutdown(listener, SHUT_RD);
  pthread_join(thread, NULL); /* the ping that brought the tokens may still be answered */
  return tokens ? 0 : 1;
}
