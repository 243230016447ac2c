/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How long it takes from the delivery of a ping on one thread until ciba_poll() returns the tokens on another,
 * the token exchange included. Says {"waiting": n} when the n-th poll waits; the next line on stdin is the
 * Authorization header of its ping. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "measure.h"

static int64_t returned_at;

static void *wait_for_tokens(void *flow) {
    ciba_error *error = NULL;
    ciba_status status = ciba_poll(flow, -1, &error);
    returned_at = now_ns();
    expect(CIBA_OK, status, error, "ciba_poll");
    return NULL;
}

static void set(ciba_config *config, const char *name, const char *value) {
    ciba_error *error = NULL;
    ciba_status status = ciba_config_set(config, name, value, &error);
    expect(CIBA_OK, status, error, name);
}

int main(int count_of_arguments, char **arguments) {
    size_t count = count_of_arguments > 1 ? strtoul(arguments[1], NULL, 10) : 100;
    int64_t *times = calloc(count, sizeof *times);
    ciba_config *config = config_of_environment();
    set(config, "backchannel_token_delivery_mode", "ping");
    set(config, "backchannel_client_notification_endpoint", "https://desk.example/ciba");
    ciba_client *client = client_of(config);
    if (!times) fail("no memory");
    for (size_t i = 0; i < count; i++) {
        ciba_flow *flow = start(client, "approve after 0 s");
        ciba_notification *notification = NULL;
        ciba_error *error = NULL;
        char authorization[2048], body[2048];
        pthread_t waiter;
        if (pthread_create(&waiter, NULL, wait_for_tokens, flow)) fail("no thread");
        sleep_ms(2);
        print_number("waiting", (int64_t)i + 1);
        if (!fgets(authorization, sizeof authorization, stdin)) fail("no ping");
        authorization[strcspn(authorization, "\n")] = '\0';
        snprintf(body, sizeof body, "{\"auth_req_id\":\"%s\"}", ciba_flow_auth_req_id(flow, NULL));
        int64_t began = now_ns();
        ciba_status status = ciba_notification_deliver(client, "POST", authorization, "application/json",
                                                       (const uint8_t *)body, strlen(body), &notification, &error);
        pthread_join(waiter, NULL);
        times[i] = returned_at - began;
        expect(CIBA_OK, status, error, "ciba_notification_deliver");
        if (ciba_notification_status(notification) != CIBA_OK) fail("the ping was not taken");
        ciba_notification_free(notification);
        ciba_free(flow);
    }
    print_samples("times", times, count);
    ciba_client_free(client);
    ciba_config_free(config);
    return 0;
}
