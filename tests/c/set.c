/* Sets: one thread for many flows. Who is told what, by whichever thread waits and by the descriptor, and
 * what becomes of those who wait when things are freed or run out.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MANY 30

static ciba_client *client;

static ciba_set *new_set(void) {
  ciba_set *set = NULL;
  CHECK_STATUS(CIBA_OK, ciba_set_new(client, &set, NULL));
  return set;
}

/* What the set tells of within so long; NULL if nothing. */
static void *told(ciba_set *set, int64_t timeout_ms) {
  void *userdata = &userdata;
  ciba_status status = ciba_set_wait(set, timeout_ms, &userdata, NULL);
  if (status != CIBA_OK)
    CHECK_STATUS(CIBA_PENDING, status);
  CHECK(status == CIBA_OK || userdata == NULL);
  return userdata;
}

static void each_outcome_is_told_once_with_its_userdata(void) {
  ciba_set *set = new_set();
  const char *told_to[3] = {"approve after 0 s", "deny after 0 s", "wait"};
  const ciba_status expected[3] = {CIBA_OK, CIBA_DENIED, CIBA_CANCELLED};
  ciba_flow *flows[3];
  int times[3] = {0, 0, 0}, i;
  for (i = 0; i < 3; i++) {
    flows[i] = new_flow(client, told_to[i]);
    CHECK_STATUS(CIBA_OK, ciba_set_add(set, flows[i], &times[i], NULL));
    CHECK_STATUS(CIBA_IN_SET, ciba_set_add(set, flows[i], NULL, NULL));
  }
  CHECK_NUMBER(3, ciba_set_count(set));
  CHECK_STATUS(CIBA_OK, ciba_cancel(flows[2], -1, NULL));
  for (i = 0; i < 3; i++)
    ++*(int *)told(set, PATIENCE_MS);
  for (i = 0; i < 3; i++) {
    CHECK_NUMBER(1, times[i]);
    CHECK_STATUS(expected[i], ciba_poll(flows[i], 0, NULL));
    CHECK_STATUS(CIBA_NOT_PRESENT, ciba_set_remove(set, flows[i], NULL));
  }
  CHECK_NUMBER(0, ciba_set_count(set));
  CHECK(told(set, 0) == NULL);
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, flows[0], flows, NULL)); /* it has its outcome already */
  CHECK(told(set, 0) == flows);
  for (i = 0; i < 3; i++)
    ciba_free(flows[i]);
  ciba_set_free(set);
}

static void every_timeout_is_read_as_poll_has_it(void) {
  static const int64_t without_end[] = {INT64_MIN, INT64_MIN + 1, -1, (int64_t)1 << 53, INT64_MAX - 1, INT64_MAX};
  static const int64_t short_ones[] = {0, 1, 50};
  ciba_set *set = new_set();
  size_t i;
  for (i = 0; i < COUNT(without_end); i++) {
    ciba_flow *flow = new_flow(client, "approve after 0 s"); /* known with the first poll, in a second */
    CHECK_STATUS(CIBA_OK, ciba_set_add(set, flow, flow, NULL));
    CHECK(told(set, without_end[i]) == flow);
    ciba_free(flow);
  }
  for (i = 0; i < COUNT(short_ones); i++) {
    int64_t began = now_us();
    CHECK(told(set, short_ones[i]) == NULL);
    CHECK(waited_ms(began, short_ones[i]));
  }
  ciba_set_free(set);
}

struct waiting {
  ciba_set *set;
  int64_t timeout_ms;
  ciba_status status;
  void *userdata;
};

static void *wait_for_set(void *argument) {
  struct waiting *waiting = argument;
  waiting->status = ciba_set_wait(waiting->set, waiting->timeout_ms, &waiting->userdata, NULL);
  return NULL;
}

static void a_set_that_is_freed_sends_those_away_who_wait_in_it(void) {
  static const int64_t timeouts[] = {-1, INT64_MAX, 600000};
  struct waiting waiting[COUNT(timeouts)];
  pthread_t threads[COUNT(timeouts)];
  ciba_set *set = new_set();
  ciba_flow *flow = new_flow(client, "wait");
  int before;
  size_t i;
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, flow, flow, NULL));
  for (i = 0; i < COUNT(timeouts); i++) {
    struct waiting begun = {set, timeouts[i], CIBA_OK, set};
    waiting[i] = begun;
    pthread_create(&threads[i], NULL, wait_for_set, &waiting[i]);
  }
  sleep_ms(200); /* until they wait */
  ciba_set_free(set);
  for (i = 0; i < COUNT(timeouts); i++) {
    pthread_join(threads[i], NULL);
    CHECK_STATUS(CIBA_FREED, waiting[i].status);
    CHECK(waiting[i].userdata == NULL);
  }
  sleep_ms(1500);
  before = requests("/connect/token");
  sleep_ms(3000); /* three intervals, in which nobody asks for the flow any more */
  CHECK_NUMBER(before, requests("/connect/token"));
  CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 0, NULL)); /* it is as good as before */
  CHECK_STATUS(CIBA_OK, ciba_cancel(flow, -1, NULL));
  ciba_free(flow);
}

static void a_flow_that_is_freed_or_closed_leaves_its_set(void) {
  ciba_set *set = new_set();
  ciba_flow *freed = new_flow(client, "wait"), *closed = new_flow(client, "wait"), *ended = new_flow(client, "wait");
  struct waiting waiting = {set, 300, CIBA_OK, set};
  pthread_t thread;
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, freed, freed, NULL));
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, closed, closed, NULL));
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, ended, ended, NULL));
  CHECK_STATUS(CIBA_OK, ciba_cancel(ended, -1, NULL)); /* its outcome is there, and nobody was told */
  CHECK_NUMBER(3, ciba_set_count(set));
  ciba_free(ended);
  CHECK_NUMBER(2, ciba_set_count(set));
  pthread_create(&thread, NULL, wait_for_set, &waiting);
  sleep_ms(100);
  ciba_free(freed);
  ciba_flow_close(closed);
  CHECK_NUMBER(0, ciba_set_count(set));
  pthread_join(thread, NULL);
  CHECK_STATUS(CIBA_PENDING, waiting.status);
  CHECK_STATUS(CIBA_FREED, ciba_set_add(set, closed, closed, NULL));
  CHECK_NUMBER(0, ciba_set_count(set));
  ciba_free(closed);
  ciba_set_free(set);
}

static int tellings[MANY];
static pthread_mutex_t tellings_lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_a_third(void *set) {
  int i;
  for (i = 0; i < MANY / 3; i++) {
    int *telling = told(set, PATIENCE_MS);
    CHECK(telling != NULL);
    pthread_mutex_lock(&tellings_lock);
    if (telling)
      ++*telling;
    pthread_mutex_unlock(&tellings_lock);
  }
  return NULL;
}

static void several_threads_that_wait_share_the_outcomes(void) {
  ciba_set *set = new_set();
  ciba_flow *flows[MANY];
  pthread_t threads[3];
  int i;
  for (i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, wait_for_a_third, set);
  for (i = 0; i < MANY; i++) { /* added while they wait */
    flows[i] = new_flow(client, "approve after 0 s");
    CHECK_STATUS(CIBA_OK, ciba_set_add(set, flows[i], &tellings[i], NULL));
  }
  for (i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  for (i = 0; i < MANY; i++) {
    CHECK_NUMBER(1, tellings[i]);
    CHECK_STATUS(CIBA_OK, ciba_flow_outcome(flows[i]));
    ciba_free(flows[i]);
  }
  ciba_set_free(set);
}

static int readable(int descriptor, int timeout_ms) {
  struct pollfd watched = {descriptor, POLLIN, 0};
  return poll(&watched, 1, timeout_ms);
}

static void the_descriptor_is_readable_while_there_is_something_to_tell(void) {
  ciba_set *set = new_set();
  ciba_flow *second = new_flow(client, "wait"), *first = new_flow(client, "approve after 0 s");
  int32_t descriptor = 7, again = 7;
  int64_t until;
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, first, first, NULL));
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, second, second, NULL));
  CHECK_STATUS(CIBA_OK, ciba_set_descriptor(set, &descriptor, NULL));
  CHECK_STATUS(CIBA_OK, ciba_set_descriptor(set, &again, NULL));
  CHECK(descriptor >= 0 && descriptor == again);
  CHECK(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
  CHECK_NUMBER(0, readable(descriptor, 0));
  CHECK_NUMBER(1, readable(descriptor, PATIENCE_MS)); /* nobody is inside a call meanwhile */
  CHECK_STATUS(CIBA_OK, ciba_cancel(second, -1, NULL));
  CHECK(told(set, 0) != NULL);
  CHECK_NUMBER(1, readable(descriptor, 0));
  CHECK(told(set, 0) != NULL);
  CHECK_NUMBER(0, readable(descriptor, 0));
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, first, first, NULL));
  CHECK_NUMBER(1, readable(descriptor, 0)); /* it had its outcome before it was added */
  CHECK_STATUS(CIBA_OK, ciba_set_remove(set, first, NULL));
  CHECK_NUMBER(0, readable(descriptor, 0));
  ciba_free(first);
  ciba_free(second);
  ciba_set_free(set);
  until = now_us() + PATIENCE_MS * 1000;
  while (fcntl(descriptor, F_GETFD) != -1 && now_us() < until) /* the engine may just be telling of something */
    sleep_ms(1);
  CHECK(fcntl(descriptor, F_GETFD) == -1 && errno == EBADF); /* it was the set's */
}

static ciba_status trouble_of(const ciba_flow *flow) {
  ciba_error *trouble = ciba_flow_trouble(flow);
  ciba_status status = trouble ? ciba_error_status(trouble) : CIBA_OK;
  ciba_error_free(trouble);
  return status;
}

static void at_the_limit_of_descriptors_nothing_is_lost(void) {
  ciba_set *set = new_set();
  ciba_flow *flow = new_flow(client, "wait");
  ciba_error *err = NULL;
  int64_t until = now_us() + PATIENCE_MS * 1000;
  struct rlimit before;
  int32_t descriptor = 7;
  tell("POST /drop", NULL); /* so that it needs a new connection, not made meanwhile */
  before = no_more_descriptors();
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, flow, flow, NULL));
  CHECK_STATUS(CIBA_RESOURCES, ciba_set_descriptor(set, &descriptor, &err));
  CHECK_NUMBER(-1, descriptor);
  CHECK(err && strstr(ciba_error_message(err), "descriptor"));
  ciba_error_free(err);
  while (trouble_of(flow) == CIBA_OK && now_us() < until)
    CHECK(told(set, 100) == NULL);
  CHECK_STATUS(CIBA_RESOURCES, trouble_of(flow));
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_STATUS(CIBA_OK, ciba_set_descriptor(set, &descriptor, NULL));
  tell("POST /approve", "{}");
  CHECK_NUMBER(1, readable(descriptor, PATIENCE_MS));
  CHECK(told(set, 0) == flow);
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, 0, NULL));
  ciba_free(flow);
  ciba_set_free(set);
}

struct inside {
  ciba_set *set;
  int calls, wrong;
};

static int32_t wait_in_callback(void *userdata, int32_t stage, int64_t expires_in_ms, int64_t next_poll_in_ms,
                                int64_t polls) {
  struct inside *inside = userdata;
  void *place = inside;
  (void)stage, (void)expires_in_ms, (void)next_poll_in_ms, (void)polls;
  inside->calls++;
  inside->wrong += ciba_set_wait(inside->set, -1, &place, NULL) != CIBA_IN_CALLBACK || place;
  inside->wrong += ciba_set_wait(inside->set, 0, &place, NULL) != CIBA_IN_CALLBACK;
  inside->wrong += ciba_set_cancel(inside->set, NULL) != CIBA_IN_CALLBACK;
  inside->wrong += ciba_set_count(inside->set) != 1;
  return 0;
}

static void nobody_waits_for_a_set_inside_a_callback(void) {
  ciba_set *set = new_set();
  ciba_flow *flow = new_flow(client, "approve after 0 s"), *member = new_flow(client, "wait");
  struct inside inside = {set, 0, 0};
  CHECK_STATUS(CIBA_OK, ciba_set_add(set, member, member, NULL));
  CHECK_STATUS(CIBA_OK, ciba_flow_on_progress(flow, wait_in_callback, &inside, NULL, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK(inside.calls > 0);
  CHECK_NUMBER(0, inside.wrong);
  ciba_free(flow);
  ciba_free(member);
  ciba_set_free(set);
}

static void *wake_soon(void *set) {
  sleep_ms(100);
  CHECK_STATUS(CIBA_OK, ciba_set_wake(set, NULL));
  return NULL;
}

static void a_set_that_is_cancelled_tells_of_each_and_one_that_is_woken_of_none(void) {
  ciba_set *set = new_set();
  ciba_flow *flows[3];
  pthread_t thread;
  int before = requests("DELETE"), i;
  for (i = 0; i < 3; i++) {
    flows[i] = new_flow(client, "wait");
    CHECK_STATUS(CIBA_OK, ciba_set_add(set, flows[i], flows[i], NULL));
  }
  pthread_create(&thread, NULL, wake_soon, set);
  CHECK(told(set, -1) == NULL);
  pthread_join(thread, NULL);
  CHECK_STATUS(CIBA_OK, ciba_set_cancel(set, NULL));
  for (i = 0; i < 3; i++)
    CHECK_STATUS(CIBA_CANCELLED, ciba_flow_outcome(told(set, 0)));
  CHECK(told(set, 0) == NULL);
  wait_for_requests("DELETE", before + 3);
  for (i = 0; i < 3; i++)
    ciba_free(flows[i]);
  ciba_set_free(set);
}

static const struct test tests[] = {
    {"each outcome is told once, with its userdata", each_outcome_is_told_once_with_its_userdata},
    {"every timeout is read as poll(2) has it", every_timeout_is_read_as_poll_has_it},
    {"a set that is freed sends those away who wait in it", a_set_that_is_freed_sends_those_away_who_wait_in_it},
    {"a flow that is freed or closed leaves its set", a_flow_that_is_freed_or_closed_leaves_its_set},
    {"several threads that wait share the outcomes", several_threads_that_wait_share_the_outcomes},
    {"the descriptor is readable while there is something to tell", the_descriptor_is_readable_while_there_is_something_to_tell},
    {"at the limit of descriptors nothing is lost", at_the_limit_of_descriptors_nothing_is_lost},
    {"nobody waits for a set inside a callback", nobody_waits_for_a_set_inside_a_callback},
    {"a set that is cancelled tells of each, and one that is woken of none", a_set_that_is_cancelled_tells_of_each_and_one_that_is_woken_of_none},
};

int main(void) {
  int failed;
  client = new_client();
  failed = RUN(tests);
  ciba_client_free(client);
  return failed;
}
