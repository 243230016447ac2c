/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

const char *needed(const char *name) {
    const char *value = getenv(name);
    if (!value) fail("%s is not set", name);
    return value;
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

int64_t cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

void sleep_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR) continue;
}

int64_t memory_kb(const char *field) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r"); /* exact, which "status" is not */
    char line[256];
    int64_t kb = -1;
    size_t length = strlen(field);
    if (!file) fail("/proc/self/smaps_rollup cannot be read");
    while (kb < 0 && fgets(line, sizeof line, file)) {
        if (!strncmp(line, field, length) && line[length] == ':') kb = strtoll(line + length + 1, NULL, 10);
    }
    fclose(file);
    if (kb < 0) fail("/proc/self/smaps_rollup has no %s", field);
    return kb;
}

int64_t next_number(void) {
    char line[64];
    if (!fgets(line, sizeof line, stdin)) exit(0);
    return strtoll(line, NULL, 10);
}

void print_samples(const char *name, const int64_t *values, size_t count) {
    printf("{\"%s\": [", name);
    for (size_t i = 0; i < count; i++) printf("%s%" PRId64, i ? ", " : "", values[i]);
    puts("]}");
    fflush(stdout);
}

void print_number(const char *name, int64_t value) {
    printf("{\"%s\": %" PRId64 "}\n", name, value);
    fflush(stdout);
}

void print_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    const char *separator = "";
    if (!tasks) fail("/proc/self/task cannot be read");
    fputs("{\"threads\": [", stdout);
    while ((task = readdir(tasks))) {
        char path[300], name[64] = "";
        FILE *file;
        if (task->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        if (!(file = fopen(path, "r"))) continue; /* it has just ended */
        if (fgets(name, sizeof name, file)) name[strcspn(name, "\n")] = 0;
        fclose(file);
        printf("%s\"%s\"", separator, name);
        separator = ", ";
    }
    closedir(tasks);
    puts("]}");
    fflush(stdout);
}
