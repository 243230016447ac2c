/* A signer with two keys that OpenSSL holds: the client's, and that of its DPoP proofs.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "key.h"

#define ACKNOWLEDGED "POST /op/connect/ciba -> 200 ack\nGET /op/.well-known/openid-configuration/jwks -> 200 jwks\n"

/* The keys in their store: the library never sees them. */
struct store {
  EVP_PKEY *client, *proofs;
  int of_client, of_proofs; /* how many signatures */
  int is_confused;          /* whether the client's key signs whatever is asked for */
};

static int32_t sign(void *userdata, const char *algorithm, const char *key_id, const uint8_t *input, size_t input_length,
                    uint8_t *signature, size_t room, size_t *signature_length) {
  struct store *store = userdata;
  int is_proof = key_id && strcmp(key_id, "proofs") == 0;
  EVP_PKEY *key = is_proof ? store->proofs : store->client;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int good;
  CHECK(key_id && strcmp(key_id, is_proof ? "proofs" : "rsa") == 0);
  CHECK(strcmp(algorithm, is_proof ? "EdDSA" : "RS256") == 0);
  *signature_length = room;
  good = context && EVP_DigestSignInit(context, NULL, is_proof ? NULL : EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(context, signature, signature_length, input, input_length) == 1;
  EVP_MD_CTX_free(context);
  if (is_proof && store->is_confused)
    memset(signature, 7, *signature_length);
  *(is_proof ? &store->of_proofs : &store->of_client) += 1;
  return good ? 0 : 1;
}

/* The public half of the key of the proofs, a JWK with a name of the program's own. */
static void write_public(EVP_PKEY *key, char *text, size_t room) {
  unsigned char raw[32], encoded[64];
  size_t length = sizeof raw, i;
  CHECK_NUMBER(1, EVP_PKEY_get_raw_public_key(key, raw, &length));
  EVP_EncodeBlock(encoded, raw, (int)length);
  encoded[43] = 0; /* without padding */
  for (i = 0; encoded[i]; i++)
    encoded[i] = (unsigned char)(encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i]);
  snprintf(text, room, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"proofs\",\"x\":\"%s\"}", (char *)encoded);
}

static ciba_client *client_that_signs(struct store *store) {
  char public[256];
  const char *settings[][2] = {
      {"client_secret", ""},
      {"token_endpoint_auth_method", "private_key_jwt"},
      {"token_endpoint_auth_signing_alg", "RS256"},
      {"client_key_id", "rsa"},
      {"dpop_bound_access_tokens", "true"},
      {"dpop_public_key", public},
  };
  ciba_config *config = new_config();
  ciba_client *client = NULL;
  size_t i;
  memset(store, 0, sizeof *store);
  store->client = read_key("rsa_pkcs8");
  store->proofs = read_key("ed25519");
  write_public(store->proofs, public, sizeof public);
  for (i = 0; i < sizeof settings / sizeof *settings; i++)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, settings[i][0], settings[i][1], NULL));
  CHECK_STATUS(CIBA_MISSING_SETTING, ciba_client_new(config, &client, NULL)); /* nobody has the private half */
  CHECK_STATUS(CIBA_OK, ciba_config_set_signer(config, sign, store, NULL, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &client, NULL));
  ciba_config_free(config);
  tell("DELETE /journal", NULL);
  return client;
}

static void free_keys(struct store *store) {
  EVP_PKEY_free(store->client);
  EVP_PKEY_free(store->proofs);
}

static void two_keys_are_told_apart(void) {
  struct store store;
  ciba_client *client = client_that_signs(&store);
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  CHECK_NUMBER(1, store.of_client);
  CHECK_NUMBER(0, store.of_proofs); /* in poll mode the start shows no key */
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(2, store.of_client);
  CHECK_NUMBER(1, store.of_proofs);
  check_journal(ACKNOWLEDGED "POST /op/connect/token -> 200 tokens\n");
  ciba_free(flow);
  ciba_client_free(client);
  free_keys(&store);
}

static void a_signature_of_another_key_is_never_sent(void) {
  struct store store;
  ciba_client *client = client_that_signs(&store);
  ciba_flow *flow = new_flow(client, "approve after 0 s");
  ciba_error *trouble = NULL;
  int64_t began = now_us();
  store.is_confused = 1;
  while (!trouble && !waited_ms(began, PATIENCE_MS)) {
    CHECK_STATUS(CIBA_PENDING, ciba_poll(flow, 200, NULL));
    trouble = ciba_flow_trouble(flow);
  }
  CHECK_STATUS(CIBA_SIGNER_FAILED, ciba_error_status(trouble));
  ciba_error_free(trouble);
  check_journal(ACKNOWLEDGED);
  store.is_confused = 0;
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  check_journal(ACKNOWLEDGED "POST /op/connect/token -> 200 tokens\n");
  ciba_free(flow);
  ciba_client_free(client);
  free_keys(&store);
}

static const struct test tests[] = {
    {"a program with two keys is told which one is asked for", two_keys_are_told_apart},
    {"a proof that is signed with another key is never sent", a_signature_of_another_key_is_never_sent},
};

int main(void) {
  return RUN(tests);
}
