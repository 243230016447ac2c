/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the programs of the benchmarks share: time, memory, threads, and facts as lines of JSON. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with exit code 1 and one line on stderr. */
void fail(const char *format, ...);

/* A variable of the environment that must be there. */
const char *needed(const char *name);

/* A clock that does not jump, and the CPU time of this process with all its threads; in ns. */
int64_t now_ns(void);
int64_t cpu_ns(void);

/* Sleeps; signals do not shorten it. */
void sleep_ms(int64_t ms);

/* The memory of this process in kB: "Rss" is what is resident, "Anonymous" what of it is in no file. */
int64_t memory_kb(const char *field);

/* The next line of stdin as a number; ends the program when stdin is closed. */
int64_t next_number(void);

/* One line of JSON: {"name": [values]}. */
void print_samples(const char *name, const int64_t *values, size_t count);

/* One line of JSON: {"name": value}. */
void print_number(const char *name, int64_t value);

/* One line of JSON: {"threads": [names]}, this thread first. */
void print_threads(void);

#endif
