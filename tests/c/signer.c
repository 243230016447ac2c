/* A signer with keys that OpenSSL holds: the provider checks each signature.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

#define ACKNOWLEDGED "POST /op/connect/ciba -> 200 ack\nGET /op/.well-known/openid-configuration/jwks -> 200 jwks\n"

/* A key in its store: the library never sees it. */
struct store {
  EVP_PKEY *key;
  int is_changed; /* whether one byte of each signature is another one */
  int signatures;
};

/* r and s one after the other, as JWS has them, of the DER that OpenSSL gives. */
static size_t of_der(const uint8_t *der, size_t length, uint8_t *signature) {
  const uint8_t *at = der;
  ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)length);
  const BIGNUM *r, *s;
  int good;
  if (!both)
    return 0;
  ECDSA_SIG_get0(both, &r, &s);
  good = BN_bn2binpad(r, signature, 32) == 32 && BN_bn2binpad(s, signature + 32, 32) == 32;
  ECDSA_SIG_free(both);
  return good ? 64 : 0;
}

static int32_t sign(void *userdata, const char *algorithm, const char *key_id, const uint8_t *input, size_t input_length,
                    uint8_t *signature, size_t room, size_t *signature_length) {
  struct store *store = userdata;
  uint8_t made[1024];
  size_t length = sizeof made;
  int is_ed25519 = strcmp(algorithm, "EdDSA") == 0;
  EVP_PKEY_CTX *how;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int good = context && EVP_DigestSignInit(context, &how, is_ed25519 ? NULL : EVP_sha256(), NULL, store->key) == 1;
  CHECK(key_id && *key_id);
  if (good && strcmp(algorithm, "PS256") == 0)
    good = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
  good = good && EVP_DigestSign(context, made, &length, input, input_length) == 1;
  EVP_MD_CTX_free(context);
  if (!good || length > room)
    return 1;
  if (strcmp(algorithm, "ES256") == 0)
    length = of_der(made, length, signature);
  else
    memcpy(signature, made, length);
  if (length == 0)
    return 2;
  signature[length / 2] ^= (uint8_t)store->is_changed;
  *signature_length = length;
  store->signatures++;
  return 0;
}

static void release(void *userdata) {
  struct store *store = userdata;
  EVP_PKEY_free(store->key);
  store->key = NULL;
}

static ciba_client *client_that_signs(struct store *store, const char *algorithm, const char *key_id, const char *file) {
  const char *settings[][2] = {
      {"client_secret", ""},
      {"token_endpoint_auth_method", "private_key_jwt"},
      {"token_endpoint_auth_signing_alg", NULL},
      {"client_key_id", NULL},
  };
  ciba_config *config = new_config();
  ciba_client *client = NULL;
  size_t i;
  settings[2][1] = algorithm;
  settings[3][1] = key_id;
  memset(store, 0, sizeof *store);
  store->key = read_key(file);
  for (i = 0; i < sizeof settings / sizeof *settings; i++)
    CHECK_STATUS(CIBA_OK, ciba_config_set(config, settings[i][0], settings[i][1], NULL));
  CHECK_STATUS(CIBA_OK, ciba_config_set_signer(config, sign, store, release, NULL));
  CHECK_STATUS(CIBA_OK, ciba_client_new(config, &client, NULL));
  ciba_config_free(config);
  tell("DELETE /journal", NULL);
  return client;
}

/* A sign-in as a whole: then the same with one byte of the first signature changed. */
static void signs_in(const char *algorithm, const char *key_id, const char *file) {
  struct store store;
  ciba_request *request = new_request("approve after 0 s");
  ciba_client *client = client_that_signs(&store, algorithm, key_id, file);
  ciba_flow *flow = NULL, *refused = NULL;
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &flow, NULL));
  CHECK_STATUS(CIBA_OK, ciba_poll(flow, -1, NULL));
  CHECK_NUMBER(2, store.signatures); /* one for the start, one for the poll */
  check_journal(ACKNOWLEDGED "POST /op/connect/token -> 200 tokens\n");

  store.is_changed = 1;
  CHECK_STATUS(CIBA_INVALID_CLIENT, ciba_init(client, request, -1, &refused, NULL));
  CHECK_NUMBER(3, store.signatures);
  check_journal(ACKNOWLEDGED "POST /op/connect/token -> 200 tokens\nPOST /op/connect/ciba -> 401 invalid_client\n");
  ciba_request_free(request);
  ciba_client_free(client);
  ciba_free(refused);
  CHECK(store.key);
  ciba_free(flow);
  CHECK(!store.key); /* released with the last of them */
}

static void a_key_on_a_curve_signs_in(void) {
  signs_in("ES256", "p256", "p256_pkcs8");
}

static void an_rsa_key_signs_in_by_both_paddings(void) {
  signs_in("RS256", "rsa", "rsa_pkcs8");
  signs_in("PS256", "rsa", "rsa_pkcs8");
}

static void an_ed25519_key_signs_in(void) {
  signs_in("EdDSA", "ed25519", "ed25519");
}

static void one_byte_changed_in_the_signature_of_a_poll_ends_the_flow_and_is_not_tried_again(void) {
  struct store store;
  ciba_request *request = new_request("approve after 0 s");
  ciba_client *client = client_that_signs(&store, "ES256", "p256", "p256_pkcs8");
  ciba_flow *flow = NULL;
  CHECK_STATUS(CIBA_OK, ciba_init(client, request, -1, &flow, NULL));
  store.is_changed = 1;
  CHECK_STATUS(CIBA_INVALID_CLIENT, ciba_poll(flow, -1, NULL));
  CHECK_STATUS(CIBA_INVALID_CLIENT, ciba_poll(flow, 3000, NULL));
  sleep_ms(3000); /* three intervals */
  check_journal(ACKNOWLEDGED "POST /op/connect/token -> 400 invalid_client\n");
  CHECK_NUMBER(2, store.signatures);
  ciba_free(flow);
  ciba_request_free(request);
  ciba_client_free(client);
}

static const struct test tests[] = {
    {"a key on a curve signs in; one byte of its signature changed is refused", a_key_on_a_curve_signs_in},
    {"an RSA key signs in by both paddings; one byte changed is refused", an_rsa_key_signs_in_by_both_paddings},
    {"an Ed25519 key signs in; one byte changed is refused", an_ed25519_key_signs_in},
    {"one byte changed in the signature of a poll ends the flow, and nothing is tried again", one_byte_changed_in_the_signature_of_a_poll_ends_the_flow_and_is_not_tried_again},
};

int main(void) {
  return RUN(tests);
}
