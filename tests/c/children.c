/* Sets and saved flows in children made by fork(): they stay with the process that made them, and each
 * process has its own.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider.h"

#define HANGS_AFTER_S 120
#define KEYS "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static ciba_client *client;

static ciba_set *new_set(void) {
  ciba_set *set = NULL;
  CHECK_STATUS(CIBA_OK, ciba_set_new(client, &set, NULL));
  return set;
}

/* In a child, where no engine runs yet; the number of the step that went wrong. */
static int start_at_the_limit(void) {
  struct rlimit before = no_more_descriptors();
  ciba_request *request = new_request("approve after 0 s");
  ciba_set *set = NULL;
  ciba_flow *flow = NULL;
  void *userdata = NULL;
  if (ciba_set_new(client, &set, NULL) != CIBA_RESOURCES || set)
    return 1;
  if (ciba_init(client, request, -1, &flow, NULL) != CIBA_RESOURCES || flow)
    return 2;
  setrlimit(RLIMIT_NOFILE, &before);
  if (ciba_set_new(client, &set, NULL) != CIBA_OK || ciba_init(client, request, -1, &flow, NULL) != CIBA_OK)
    return 3;
  if (ciba_set_add(set, flow, &flow, NULL) != CIBA_OK || ciba_set_wait(set, -1, &userdata, NULL) != CIBA_OK)
    return 4;
  return userdata == &flow && ciba_poll(flow, 0, NULL) == CIBA_OK ? 0 : 5;
}

/* The set and the flow are the parent's; its own work as well as the parent's. */
static int use_in_child(ciba_set *set, ciba_flow *flow) {
  ciba_flow *own = new_flow(client, "approve after 0 s");
  ciba_set *another = NULL;
  void *userdata = &userdata;
  int32_t descriptor;
  if (ciba_set_add(set, own, NULL, NULL) != CIBA_OTHER_PROCESS ||
      ciba_set_remove(set, flow, NULL) != CIBA_OTHER_PROCESS)
    return 1;
  if (ciba_set_wait(set, -1, &userdata, NULL) != CIBA_OTHER_PROCESS || userdata)
    return 2;
  if (ciba_set_wake(set, NULL) != CIBA_OTHER_PROCESS || ciba_set_cancel(set, NULL) != CIBA_OTHER_PROCESS)
    return 3;
  if (ciba_set_descriptor(set, &descriptor, NULL) != CIBA_OTHER_PROCESS || descriptor != -1)
    return 4;
  if (ciba_set_count(set) != -1)
    return 5;
  if (ciba_set_new(client, &another, NULL) != CIBA_OK || ciba_set_add(another, flow, NULL, NULL) != CIBA_OTHER_PROCESS)
    return 6;
  ciba_set_free(set);
  ciba_free(flow);
  if (ciba_set_add(another, own, own, NULL) != CIBA_OK || ciba_set_wait(another, -1, &userdata, NULL) != CIBA_OK)
    return 7;
  ciba_set_free(another);
  ciba_free(own);
  return userdata == own ? 0 : 8;
}

static int step_of(pid_t child) {
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void a_process_that_can_open_nothing_starts_nothing_and_can_later(void) {
  pid_t child = fork();
  if (child == 0) {
    alarm(HANGS_AFTER_S);
    _exit(start_at_the_limit());
  }
  CHECK_NUMBER(0, step_of(child));
}

static void a_set_stays_with_the_process_that_made_it(void) {
  ciba_set *set = new_set();
  ciba_flow *flow = new_flow(client, "approve after 3 s");
  void *userdata = NULL;
  pid_t child;
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, flow, flow, NULL));
  child = fork();
  if (child == 0) {
    alarm(HANGS_AFTER_S);
    _exit(use_in_child(set, flow));
  }
  CHECK_STATUS(CIBA_OK, ciba_set_wait(set, PATIENCE_MS, &userdata, NULL));
  CHECK(userdata == flow);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, 0, NULL));
  CHECK_NUMBER(0, step_of(child));
  ciba_free(flow);
  ciba_set_free(set);
}

/* The flow is the parent's, the bytes are anybody's. */
static int save_in_child(ciba_flow *flow, const uint8_t *bytes, size_t length) {
  ciba_saved_flow *saved = NULL;
  ciba_flow *resumed = NULL;
  if (ciba_flow_checkpoint(flow, "row 7", &saved, NULL) != CIBA_OTHER_PROCESS || saved)
    return 1;
  if (ciba_flow_hand_over(flow, "row 7", -1, &saved, NULL) != CIBA_OTHER_PROCESS || saved)
    return 2;
  if (ciba_flow_revision(flow) != -1)
    return 3;
  if (ciba_flow_resume(client, bytes, length, "row 7", &resumed, NULL) != CIBA_OK || ciba_flow_revision(resumed) != 2)
    return 4;
  if (ciba_flow_checkpoint(resumed, "row 7", &saved, NULL) != CIBA_OK || ciba_saved_flow_revision(saved) != 3)
    return 5;
  ciba_saved_flow_free(saved);
  if (ciba_poll(resumed, -1, NULL) != CIBA_OK)
    return 6;
  ciba_free(resumed);
  ciba_free(flow);
  return 0;
}

static void a_flow_goes_on_in_a_child_if_it_was_handed_over(void) {
  ciba_flow *flow = new_flow(client, "approve after 0 s"), *other = new_flow(client, "wait");
  ciba_saved_flow *saved = NULL;
  const uint8_t *bytes;
  size_t length;
  int polls = requests("/connect/token");
  pid_t child;
  CHECK_STATUS(CIBA_OK, ciba_flow_checkpoint(flow, "row 7", &saved, NULL));
  ciba_saved_flow_free(saved);
  CHECK_STATUS(CIBA_OK, ciba_flow_hand_over(flow, "row 7", -1, &saved, NULL));
  bytes = ciba_saved_flow_bytes(saved, &length);
  child = fork();
  if (child == 0) {
    alarm(HANGS_AFTER_S);
    _exit(save_in_child(other, bytes, length));
  }
  CHECK_STATUS(CIBA_HANDED_OVER, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(0, step_of(child));
  CHECK_NUMBER(polls + 1, requests("/connect/token"));
  CHECK_NUMBER(0, ciba_flow_revision(other));
  ciba_saved_flow_free(saved);
  ciba_free(flow);
  ciba_free(other);
}

static const struct test tests[] = {
    {"a process that can open nothing starts nothing, and can later", a_process_that_can_open_nothing_starts_nothing_and_can_later},
    {"a set stays with the process that made it", a_set_stays_with_the_process_that_made_it},
    {"a flow goes on in a child if it was handed over", a_flow_goes_on_in_a_child_if_it_was_handed_over},
};

int main(void) {
  int failed;
  client = new_client_with("saved_flow_keys", KEYS);
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
