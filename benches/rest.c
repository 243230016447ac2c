/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One client that has signed somebody in and rests: its memory and threads. Then what more clients
 * with the same settings cost: time to make one, memory as made, memory with a connection of its own. */
#include <stdlib.h>

#include "client.h"
#include "measure.h"

enum { MORE = 256 };

int main(void) {
    ciba_client *more[MORE];
    int64_t times[MORE];
    ciba_tokens *tokens = NULL;
    ciba_error *error = NULL;
    print_number("resident_before_kb", memory_kb("Rss"));

    ciba_config *config = config_of_environment();
    ciba_client *client = client_of(config);
    ciba_flow *flow = start(client, "approve after 0 s");
    expect(CIBA_OK, ciba_poll(flow, 30000, &error), error, "ciba_poll");
    expect(CIBA_OK, ciba_flow_tokens(flow, &tokens, &error), error, "ciba_flow_tokens");
    ciba_tokens_free(tokens);
    ciba_free(flow);
    sleep_ms(500);
    print_number("resident_kb", memory_kb("Rss"));
    print_number("of_it_anonymous_kb", memory_kb("Anonymous"));
    print_threads();

    int64_t before = memory_kb("Anonymous");
    for (int i = 0; i < MORE; i++) {
        int64_t began = now_ns();
        more[i] = client_of(config);
        times[i] = now_ns() - began;
    }
    print_samples("client_new", times, MORE);
    print_number("bytes_each", (memory_kb("Anonymous") - before) * 1024 / MORE);
    for (int i = 0; i < MORE; i++) {
        expect(CIBA_OK, ciba_client_check(more[i], 30000, &error), error, "ciba_client_check");
    }
    print_number("bytes_each_connected", (memory_kb("Anonymous") - before) * 1024 / MORE);
    for (int i = 0; i < MORE; i++) ciba_client_free(more[i]);
    ciba_client_free(client);
    ciba_config_free(config);
    return 0;
}
