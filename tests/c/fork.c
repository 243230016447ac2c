/* Children made by fork() while the library is at work in other threads: each can sign in.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

#define SILENT "silent.example"
#define AT_ONCE 25 /* children alive at a time */
#define HANGS_AFTER_S 120

static ciba_client *client;
static volatile int stop, silent; /* silent: somebody has asked for that name */

/* Stands before the C library's: the name server is silent about one name. It only waits, as a lookup
 * does nearly all of its time: the locks that glibc takes for moments within it (check_pf.c) stay locked
 * in a child that is forked just then, which no library can help. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  while (strcmp(node, SILENT) == 0) {
    silent = 1;
    if (stop)
      return EAI_AGAIN;
    sleep_ms(1);
  }
  return real(node, service, hints, result);
}

/* What a child does; 0 or the number of the step that went wrong. */
static int child(ciba_flow *parents) {
  ciba_request *request = new_request("approve after 0 s");
  ciba_flow *flow = NULL;
  ciba_tokens *tokens = NULL;
  ciba_error *err = NULL;
  if (ciba_init(client, request, -1, &flow, &err) != CIBA_OK)
    return fprintf(stderr, "in a child: %s\n", ciba_error_message(err)), 1;
  if (ciba_poll(flow, -1, NULL) != CIBA_OK || ciba_flow_tokens(flow, &tokens, NULL) != CIBA_OK)
    return 2;
  if (strcmp(ciba_tokens_claim(tokens, "mitid.uuid", NULL), UUID) != 0)
    return 3;
  /* The parent's flow stays with the parent. */
  if (ciba_poll(parents, -1, NULL) != CIBA_OTHER_PROCESS || ciba_step(parents, -1, NULL) != CIBA_OTHER_PROCESS)
    return 4;
  if (ciba_cancel(parents, -1, NULL) != CIBA_OTHER_PROCESS ||
      ciba_flow_on_progress(parents, NULL, NULL, NULL, NULL) != CIBA_OTHER_PROCESS)
    return 5;
  if (ciba_flow_outcome(parents) != CIBA_OTHER_PROCESS || ciba_flow_auth_req_id(parents, NULL) ||
      ciba_flow_expires_at(parents) != -1 || ciba_flow_next_poll_at(parents) != -1 ||
      ciba_flow_interval_ms(parents) != -1 || ciba_flow_progress(parents, NULL, NULL, NULL) != -1)
    return 6;
  if (ciba_flow_tokens(parents, &tokens, NULL) != CIBA_OTHER_PROCESS)
    return 7;
  ciba_flow_close(parents);
  ciba_free(parents);
  ciba_free(flow);
  ciba_request_free(request);
  return 0;
}

static int collect(void) {
  int status = 0;
  wait(&status);
  if (WIFSIGNALED(status))
    fprintf(stderr, "a child was ended by signal %d%s\n", WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ": it hung" : "");
  else if (WEXITSTATUS(status))
    fprintf(stderr, "a child failed at step %d\n", WEXITSTATUS(status));
  return status != 0;
}

static void fork_often(ciba_flow *parents) {
  int number, alive = 0, failed = 0, count = less(200, 4);
  for (number = 0; number < count; number++) {
    pid_t made = fork();
    if (made == 0) {
      alarm(HANGS_AFTER_S); /* its default is to end the process */
      _exit(child(parents));
    }
    CHECK(made > 0);
    if (++alive == AT_ONCE) {
      failed += collect();
      alive--;
    }
  }
  while (alive-- > 0)
    failed += collect();
  CHECK_NUMBER(0, failed);
  printf("   %d of %d children signed in\n", count - failed, count);
}

static void *poll_flow(void *flow) {
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  return NULL;
}

/* Takes the flow's lock, and those of memory and errors, as often as it can. */
static void *ask_flow(void *flow) {
  while (!stop) {
    ciba_error *err = NULL;
    ciba_poll(flow, 0, &err);
    ciba_error_free(err);
    ciba_flow_next_poll_at(flow);
  }
  return NULL;
}

static void children_of_a_process_in_which_another_thread_polls_can_sign_in(void) {
  ciba_flow *flow = new_flow(client, "wait");
  char approve[256];
  pthread_t polling, asking;
  int cancelled = requests("DELETE");
  stop = 0;
  pthread_create(&polling, NULL, poll_flow, flow);
  pthread_create(&asking, NULL, ask_flow, flow);
  fork_often(flow);
  stop = 1;
  pthread_join(asking, NULL);
  /* What the children did sent nothing for the parent's flow, and did it no harm. */
  CHECK_NUMBER(cancelled, requests("DELETE"));
  CHECK_NUMBER(0, requests("slow_down"));
  snprintf(approve, sizeof approve, "{\"auth_req_id\": \"%s\"}", ciba_flow_auth_req_id(flow, NULL));
  tell("POST /approve", approve);
  pthread_join(polling, NULL);
  ciba_free(flow);
}

static void *init_silent(void *argument) {
  ciba_client *silent = argument;
  ciba_request *request = new_request("wait");
  ciba_flow *flow = NULL;
  ciba_init(silent, request, -1, &flow, NULL);
  ciba_request_free(request);
  ciba_free(flow);
  return NULL;
}

static void children_of_a_process_in_which_another_thread_resolves_can_sign_in(void) {
  ciba_client *silent = new_client_with("issuer", "https://" SILENT "/op");
  ciba_flow *flow = new_flow(client, "wait");
  pthread_t resolving;
  stop = 0;
  pthread_create(&resolving, NULL, init_silent, silent);
  while (!silent)
    sleep_ms(1);
  fork_often(flow);
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  stop = 1;
  pthread_join(resolving, NULL);
  ciba_free(flow);
  ciba_client_free(silent);
}

static const struct test tests[] = {
    {"children of a process in which another thread polls can sign in", children_of_a_process_in_which_another_thread_polls_can_sign_in},
    {"children of a process in which another thread resolves can sign in", children_of_a_process_in_which_another_thread_resolves_can_sign_in},
};

int main(void) {
  int failed;
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
