/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client.h"

#include "measure.h"

void expect(ciba_status expected, ciba_status status, ciba_error *error, const char *what) {
    if (status != expected) {
        const char *message = ciba_error_message(error);
        fail("%s: status %d in place of %d: %s", what, (int)status, (int)expected, message ? message : "");
    }
    ciba_error_free(error);
}

ciba_config *config_of_environment(void) {
    const char *settings[][2] = {
        {"provider", "signaturgruppen"},
        {"issuer", needed("CIBA_SIM_ISSUER")},
        {"client_id", needed("CIBA_SIM_CLIENT_ID")},
        {"client_secret", needed("CIBA_SIM_CLIENT_SECRET")},
        {"ca_file", needed("CIBA_SIM_CA_FILE")},
    };
    ciba_config *config = ciba_config_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        ciba_error *error = NULL;
        ciba_status status = ciba_config_set(config, settings[i][0], settings[i][1], &error);
        expect(CIBA_OK, status, error, settings[i][0]);
    }
    return config;
}

ciba_client *client_of(const ciba_config *config) {
    ciba_client *client;
    ciba_error *error = NULL;
    expect(CIBA_OK, ciba_client_new(config, &client, &error), error, "ciba_client_new");
    return client;
}

ciba_request *request_with(const char *text) {
    const char *parameters[][2] = {
        {"login_hint_token.uuid", "8a9856e0-f12d-4217-b320-c8a076be9320"},
        {"login_hint_token.ip", "127.0.0.1"},
        {"login_hint_token.referenceTextBody", text},
    };
    ciba_request *request = ciba_request_new();
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        ciba_error *error = NULL;
        ciba_status status = ciba_request_set(request, parameters[i][0], parameters[i][1], &error);
        expect(CIBA_OK, status, error, parameters[i][0]);
    }
    return request;
}

ciba_flow *start(ciba_client *client, const char *text) {
    ciba_request *request = request_with(text);
    ciba_flow *flow;
    ciba_error *error = NULL;
    expect(CIBA_OK, ciba_init(client, request, 30000, &flow, &error), error, "ciba_init");
    ciba_request_free(request);
    return flow;
}
