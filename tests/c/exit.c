/* A program that ends while the library is at work: at once, with its own exit code.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

static void *in_poll(void *flow) {
  ciba_poll(flow, -1, NULL);
  return NULL;
}

static void *in_init(void *client) {
  ciba_request *request = new_request("wait");
  ciba_flow *flow;
  ciba_init(client, request, -1, &flow, NULL);
  return NULL;
}

enum situation { POLLING, POLL_HELD_OPEN, STARTING, NOBODY_INSIDE };

/* In a process of its own, that has not used the library before. */
static void end_while(enum situation situation) {
  ciba_client *client = new_client();
  pthread_t thread;
  if (situation == POLLING || situation == POLL_HELD_OPEN)
    pthread_create(&thread, NULL, in_poll, new_flow(client, "wait"));
  if (situation == POLL_HELD_OPEN)
    wait_for_requests("/connect/token -> (open)", 1);
  if (situation == STARTING) {
    pthread_create(&thread, NULL, in_init, client);
    wait_for_requests("/connect/ciba -> (open)", 1);
  }
  if (situation == NOBODY_INSIDE)
    CHECK_STATUS(CIBA_OK, ciba_client_check(client, -1, NULL));
  sleep_ms(50);
  exit(7);
}

static void ends_while(enum situation situation) {
  int64_t began;
  int status = 0;
  pid_t child;
  if (situation == POLL_HELD_OPEN)
    fault("poll", "{\"hold\": 30000}");
  if (situation == STARTING)
    fault("start", "{\"hold\": 30000}");
  child = fork();
  if (child == 0)
    end_while(situation);
  began = now_us();
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK_NUMBER(7, WEXITSTATUS(status));
  CHECK(now_us() - began < 15000000); /* nothing is waited for */
}

static void while_polling(void) { ends_while(POLLING); }
static void while_held(void) { ends_while(POLL_HELD_OPEN); }
static void while_starting(void) { ends_while(STARTING); }
static void at_rest(void) { ends_while(NOBODY_INSIDE); }

static const struct test tests[] = {
    {"a program ends while another thread waits in ciba_poll", while_polling},
    {"a program ends while the provider holds a poll open", while_held},
    {"a program ends while another thread waits in ciba_init", while_starting},
    {"a program ends with a client that it did not free", at_rest},
};

int main(void) {
  return RUN(tests);
}
