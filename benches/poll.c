/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Makes polls by the round: each number on stdin is a round of so many. For each round the times of
 * its polls and the CPU time of the process, in ns; memory and threads at the end, for round 0. */
#include "poll.h"

#include <stdlib.h>

#include "measure.h"

int main(void) {
    poll_start();
    print_number("ready", 1);
    for (;;) {
        int64_t count = next_number();
        if (count == 0) {
            print_number("resident_kb", memory_kb("Rss"));
            print_threads();
            continue;
        }
        int64_t *times = calloc((size_t)count, sizeof *times);
        if (!times) fail("no memory");
        int64_t cpu = cpu_ns();
        for (int64_t i = 0; i < count; i++) {
            int64_t began = now_ns();
            poll_once();
            times[i] = now_ns() - began;
        }
        cpu = cpu_ns() - cpu;
        print_samples("times", times, (size_t)count);
        print_number("cpu", cpu);
        free(times);
    }
}
