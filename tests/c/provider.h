/* The provider that a test program talks to: ciba-sim, started by tests/c/run.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "check.h"

/* The person whom the tests ask. */
#define UUID "8a9856e0-f12d-4217-b320-c8a076be9320"
/* How long anything here may take that is not meant to take long; more than that is a hang. */
#define PATIENCE_MS 60000

/* One of the provider's facts: "issuer", "client_id", "ca_file". */
const char *fact(const char *name);

/* A call of the control interface, for example control("POST /approve", "{}"). Returns the answer's
 * body, which the caller frees. */
char *control(const char *method_and_path, const char *json);
/* The same for who needs no answer. */
void tell(const char *method_and_path, const char *json);
/* Orders a fault for the next request of a kind: fault("poll", "\"reset\""). */
void fault(const char *kind, const char *json);

/* How many requests the journal has whose line holds this text, for example "/connect/token -> 200". */
int requests(const char *text);
/* Waits until there are so many, and at most PATIENCE_MS. */
void wait_for_requests(const char *text, int count);

/* Checks that the journal since the last tell("DELETE /journal", NULL) has exactly these lines, without their
 * times, each with a line feed behind it: "POST /connect/token -> 200 tokens\n". */
void check_journal(const char *expected);

ciba_config *new_config(void);
/* A client with one setting beside the needed ones; NULL: none. */
ciba_client *new_client_with(const char *name, const char *value);
ciba_client *new_client(void);
/* A request of which the person is told this: the provider understands "approve after 1 s",
 * "deny after 0 s", "never"; anything else waits for control(). */
ciba_request *new_request(const char *told);
/* A flow that the provider has acknowledged. */
ciba_flow *new_flow(ciba_client *client, const char *told);

#endif
