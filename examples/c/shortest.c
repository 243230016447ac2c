#include <stdio.h>
#include <stdlib.h>

#include <ciba.h>

int main(void) {
  ciba_config *config = ciba_config_new();
  ciba_request *request = ciba_request_new();
  ciba_client *client = NULL;
  ciba_flow *flow = NULL;
  ciba_tokens *tokens = NULL;
  ciba_error *err = NULL;

  /* {"provider": "telenor-test", "client_id": "desk-7", "client_secret": "…"} */
  if (ciba_config_set_json(config, getenv("CIBA_SETTINGS"), &err) == CIBA_OK &&
      ciba_client_new(config, &client, &err) == CIBA_OK &&
      ciba_request_set(request, "login_hint", "+4799988791", &err) == CIBA_OK &&
      ciba_init(client, request, -1, &flow, &err) == CIBA_OK && /* the phone rings */
      ciba_poll(flow, -1, &err) == CIBA_OK &&                   /* the person approves */
      ciba_flow_tokens(flow, &tokens, &err) == CIBA_OK)
    printf("Hello %s\n", ciba_tokens_claim(tokens, "given_name", NULL));
  else
    fprintf(stderr, "%s\n", ciba_error_message(err));

  ciba_error_free(err);
  ciba_tokens_free(tokens);
  ciba_free(flow);
  ciba_client_free(client);
  ciba_request_free(request);
  ciba_config_free(config);
  return tokens ? 0 : 1;
}
