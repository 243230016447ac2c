/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A poll through the C ABI: ciba_step() makes the one exchange that is due. */
#include "client.h"
#include "poll.h"

static ciba_flow *flow;

void poll_start(void) {
    ciba_config *config = config_of_environment();
    ciba_client *client = client_of(config);
    flow = start(client, "never");
    ciba_client_free(client);
    ciba_config_free(config);
}

void poll_once(void) {
    ciba_error *error = NULL;
    expect(CIBA_PENDING, ciba_step(flow, -1, &error), error, "ciba_step");
}
