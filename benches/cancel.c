/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How long it takes from ciba_cancel() on one thread until ciba_poll() returns on another. Says
 * {"waiting": n} when the n-th poll waits, and cancels it at the next line on stdin. */
#include <pthread.h>
#include <stdlib.h>

#include "client.h"
#include "measure.h"

static int64_t returned_at;

static void *wait_for_outcome(void *flow) {
    ciba_error *error = NULL;
    ciba_status status = ciba_poll(flow, -1, &error);
    returned_at = now_ns();
    expect(CIBA_CANCELLED, status, error, "ciba_poll");
    return NULL;
}

int main(int count_of_arguments, char **arguments) {
    size_t count = count_of_arguments > 1 ? strtoul(arguments[1], NULL, 10) : 100;
    int64_t *times = calloc(count, sizeof *times);
    ciba_config *config = config_of_environment();
    ciba_client *client = client_of(config);
    if (!times) fail("no memory");
    for (size_t i = 0; i < count; i++) {
        ciba_flow *flow = start(client, "never");
        ciba_error *error = NULL;
        pthread_t waiter;
        if (pthread_create(&waiter, NULL, wait_for_outcome, flow)) fail("no thread");
        print_number("waiting", (int64_t)i + 1);
        next_number();
        int64_t began = now_ns();
        ciba_status status = ciba_cancel(flow, 0, &error);
        pthread_join(waiter, NULL);
        times[i] = returned_at - began;
        /* Whether the provider's own answer is here already is all the same. */
        if (status != CIBA_OK) expect(CIBA_PENDING, status, error, "ciba_cancel");
        expect(CIBA_OK, ciba_cancel(flow, 30000, &error), error, "ciba_cancel");
        ciba_free(flow);
    }
    print_samples("times", times, count);
    ciba_client_free(client);
    ciba_config_free(config);
    return 0;
}
