/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How long calls with timeout 0 take. One client for each ISSUER; a flow of the first is acknowledged
 * before the first line on stdin if --acknowledged is said, then the network may die. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "measure.h"

enum { ROUNDS = 400, MOST_CLIENTS = 16 };

static const char *const NAMES[] = {"ciba_client_check", "ciba_init", "ciba_poll", "ciba_step",
                                    "ciba_flow_outcome", "ciba_flow_trouble", "ciba_cancel", "ciba_free"};
enum { CHECK, INIT, POLL, STEP, OUTCOME, TROUBLE, CANCEL, FREE, CALLS };

static int64_t times[CALLS][ROUNDS];

/* Notes what the call takes. */
#define TIMED(call, statement)                      \
    do {                                            \
        int64_t began = now_ns();                   \
        statement;                                  \
        times[call][round] = now_ns() - began;      \
    } while (0)

int main(int count, char **arguments) {
    int acknowledged = count > 1 && !strcmp(arguments[1], "--acknowledged");
    char **issuers = arguments + 1 + acknowledged;
    int clients_count = count - 1 - acknowledged;
    ciba_client *clients[MOST_CLIENTS];
    ciba_flow *long_lived = NULL;
    if (clients_count < 1 || clients_count > MOST_CLIENTS) fail("no_wait [--acknowledged] ISSUER...");
    ciba_config *config = config_of_environment();
    for (int i = 0; i < clients_count; i++) {
        ciba_error *error = NULL;
        expect(CIBA_OK, ciba_config_set(config, "issuer", issuers[i], &error), error, "issuer");
        clients[i] = client_of(config);
    }
    if (acknowledged) long_lived = start(clients[0], "never");
    print_number("ready", 1);
    next_number();

    ciba_request *request = request_with("never");
    for (int round = 0; round < ROUNDS; round++) {
        ciba_client *client = clients[round % clients_count];
        ciba_flow *flow = NULL;
        ciba_error *trouble = NULL;
        TIMED(CHECK, ciba_client_check(client, 0, NULL));
        TIMED(INIT, ciba_init(client, request, 0, &flow, NULL));
        if (!flow) fail("ciba_init: no flow");
        /* The acknowledged flow is the one with polls that fall due. */
        ciba_flow *polled = long_lived ? long_lived : flow;
        TIMED(POLL, ciba_poll(polled, 0, NULL));
        TIMED(STEP, ciba_step(polled, 0, NULL));
        TIMED(OUTCOME, ciba_flow_outcome(polled));
        TIMED(TROUBLE, trouble = ciba_flow_trouble(polled));
        ciba_error_free(trouble);
        TIMED(CANCEL, ciba_cancel(flow, 0, NULL));
        TIMED(FREE, ciba_free(flow));
        sleep_ms(2);
    }
    for (int call = 0; call < CALLS; call++) print_samples(NAMES[call], times[call], ROUNDS);
    print_number("acknowledged_outcome", ciba_flow_outcome(long_lived));
    print_threads();
    /* The others go on in the background until their timeouts: nobody waits for them. */
    exit(0);
}
