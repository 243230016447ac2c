/* What every test program here is made of: named tests, checks, one line for each test.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <sys/resource.h>

#include <ciba.h>

/* A check that fails says where and why on stderr; the test goes on. */
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_STATUS(expected, call) check_status(expected, call, #call, __FILE__, __LINE__)
#define CHECK_NUMBER(expected, value) check_number(expected, value, #value, __FILE__, __LINE__)

int check(int holds, const char *what, const char *file, int line);
ciba_status check_status(ciba_status expected, ciba_status actual, const char *call, const char *file, int line);
void check_number(int64_t expected, int64_t actual, const char *what, const char *file, int line);

struct test {
  const char *name; /* the behaviour, as a sentence */
  void (*run)(void);
};

#define RUN(tests) run_tests(tests, sizeof(tests) / sizeof(tests)[0])
/* Prints "ok NAME" or "FAIL NAME" for each; returns the exit code. */
int run_tests(const struct test *tests, size_t count);

/* Under Valgrind everything takes about thirty times as long: there, tests do less of the same. */
int less(int natively, int under_valgrind);

int64_t now_us(void);
/* Whether so long has gone by, but for the millisecond to which the library's clock is rounded. */
int waited_ms(int64_t began_us, int64_t ms);
void sleep_ms(int64_t ms);
/* Prints what a test measured: the median, the 99th percentile and the largest of the times. */
void print_times(const char *what, int64_t *times_us, size_t count);
/* From now on nothing can be opened; returns what was allowed before. */
struct rlimit no_more_descriptors(void);

#endif
