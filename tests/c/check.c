/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int failures; /* of the test that runs; written by any thread, which loses nothing but the count */

int check(int holds, const char *what, const char *file, int line) {
  if (!holds) {
    failures++;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  }
  return holds;
}

ciba_status check_status(ciba_status expected, ciba_status actual, const char *call, const char *file, int line) {
  if (actual != expected) {
    failures++;
    fprintf(stderr, "%s:%d: %s instead of %s: %s\n", file, line, ciba_status_name(actual),
            ciba_status_name(expected), call);
  }
  return actual;
}

void check_number(int64_t expected, int64_t actual, const char *what, const char *file, int line) {
  if (actual != expected) {
    failures++;
    fprintf(stderr, "%s:%d: %" PRId64 " instead of %" PRId64 ": %s\n", file, line, actual, expected, what);
  }
}

int run_tests(const struct test *tests, size_t count) {
  int failed = 0;
  size_t i;
  for (i = 0; i < count; i++) {
    failures = 0;
    tests[i].run();
    printf("%s %s\n", failures ? "FAIL" : "ok", tests[i].name);
    fflush(stdout); /* a child made by fork must not print it again */
    failed |= failures != 0;
  }
  return failed;
}

int less(int natively, int under_valgrind) {
  return getenv("CIBA_TEST_UNDER_VALGRIND") ? under_valgrind : natively;
}

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int waited_ms(int64_t began_us, int64_t ms) {
  return now_us() - began_us >= (ms - 2) * 1000;
}

void sleep_ms(int64_t ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0)
    continue; /* a signal came */
}

static int by_size(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

void print_times(const char *what, int64_t *times_us, size_t count) {
  qsort(times_us, count, sizeof *times_us, by_size);
  printf("   %s: p50 %" PRId64 " us, p99 %" PRId64 " us, most %" PRId64 " us (%zu times)\n", what,
         times_us[count / 2], times_us[count * 99 / 100], times_us[count - 1], count);
}

struct rlimit no_more_descriptors(void) {
  struct rlimit before, none;
  getrlimit(RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = STDERR_FILENO + 1; /* what is closed meanwhile makes no room: its number is above the limit */
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  return before;
}
