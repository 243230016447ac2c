/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A client of the simulator that the environment tells of (see tests/with_simulator.py). */
#ifndef CLIENT_H
#define CLIENT_H

#include <ciba.h>

/* Settings for the simulator. */
ciba_config *config_of_environment(void);

/* A client with these settings. */
ciba_client *client_of(const ciba_config *config);

/* A request for one person whose phone shows this text. */
ciba_request *request_with(const char *text);

/* Ends the program unless the status is the expected one. Frees the error. */
void expect(ciba_status expected, ciba_status status, ciba_error *error, const char *what);

/* Starts an authentication and waits for the acknowledgement. */
ciba_flow *start(ciba_client *client, const char *text);

#endif
