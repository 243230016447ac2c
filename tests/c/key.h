/* Private keys that OpenSSL holds: those of the provider's clients.
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef KEY_H
#define KEY_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "provider.h"

/* The private key of that name; to be freed. */
static EVP_PKEY *read_key(const char *file) {
  char path[4096];
  FILE *stream;
  EVP_PKEY *key = NULL;
  snprintf(path, sizeof path, "%s/%s.pem", fact("keys"), file);
  stream = fopen(path, "r");
  if (CHECK(stream)) {
    key = PEM_read_PrivateKey(stream, NULL, NULL, NULL);
    fclose(stream);
  }
  CHECK(key);
  return key;
}

#endif
