// A signer in C++ with keys that OpenSSL holds: the provider checks each signature.
// SPDX-License-Identifier: MIT OR Apache-2.0

#include <cstdio>
#include <memory>
#include <vector>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "provider.hpp"

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T *pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using Bytes = std::vector<std::uint8_t>;

static Key read_key(const char *file) {
  const std::string path = std::string(fact("keys")) + "/" + file + ".pem";
  const std::unique_ptr<std::FILE, Freed<std::fclose>> stream(std::fopen(path.c_str(), "r"));
  Key key(stream ? PEM_read_PrivateKey(stream.get(), nullptr, nullptr, nullptr) : nullptr);
  CHECK(key);
  return key;
}

// r and s one after the other, as JWS has them, of the DER that OpenSSL gives.
static std::optional<Bytes> of_der(const Bytes &der) {
  const std::uint8_t *at = der.data();
  const Signature both(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes raw(64);
  if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), raw.data(), 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), raw.data() + 32, 32) != 32)
    return std::nullopt;
  return raw;
}

static std::optional<Bytes> sign(EVP_PKEY *key, const ciba::SigningInput &input) {
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX *how = nullptr;
  Bytes made(1024);
  std::size_t length = made.size();
  const EVP_MD *hash = input.algorithm == "EdDSA" ? nullptr : EVP_sha256();
  if (!context || EVP_DigestSignInit(context.get(), &how, hash, nullptr, key) != 1) return std::nullopt;
  if (input.algorithm == "PS256" && (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) != 1 ||
                                     EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) != 1))
    return std::nullopt;
  if (EVP_DigestSign(context.get(), made.data(), &length, input.bytes, input.size) != 1) return std::nullopt;
  made.resize(length);
  return input.algorithm == "ES256" ? of_der(made) : made;
}

struct Kind {
  const char *algorithm, *key_id, *file;
};

// A whole sign-in; then the same with one byte of the first signature changed.
static void signs_in(const Kind &kind) {
  tell("DELETE /journal", nullptr);
  int signatures = 0;
  std::uint8_t change = 0;
  ciba::Config config = generic_config(fact("client_id"));
  CHECK(config.set({{"token_endpoint_auth_method", "private_key_jwt"},
                    {"token_endpoint_auth_signing_alg", kind.algorithm},
                    {"client_key_id", kind.key_id}}));
  const std::shared_ptr<EVP_PKEY> key(read_key(kind.file));
  CHECK(config.set_signer([&, key](const ciba::SigningInput &input) {
    CHECK(input.algorithm == kind.algorithm && input.key_id == kind.key_id);
    ++signatures;
    auto made = sign(key.get(), input);
    if (made) (*made)[made->size() / 2] ^= change;
    return made;
  }));
  auto client = client_of(config);
  if (!client) return;
  const ciba::Request request = request_for("approve after 0 s");
  auto flow = client->init(request);
  if (!CHECK(flow)) return;
  auto tokens = flow->poll();
  CHECK(tokens && tokens->claim("sub") == "alice");
  CHECK_NUMBER(2, signatures);  // one for the start, one for the poll
  const std::string good =
      "GET /.well-known/openid-configuration -> 200 discovery\nPOST /bc-authorize -> 200 ack\n"
      "GET /jwks -> 200 jwks\nPOST /token -> 200 tokens\n";
  check_journal(good.c_str());

  change = 1;
  auto refused = client->init(request);
  CHECK(!refused && refused.error().status() == ciba::Status::invalid_client);
  CHECK_NUMBER(3, signatures);
  sleep_ms(3000);  // three intervals
  check_journal((good + "POST /bc-authorize -> 401 invalid_client\n").c_str());
}

static void a_key_on_a_curve_signs_in() { signs_in({"ES256", "p256", "p256_pkcs8"}); }

static void an_rsa_key_signs_in() {
  signs_in({"RS256", "rsa", "rsa_pkcs8"});
  signs_in({"PS256", "rsa", "rsa_pkcs8"});
}

static void an_ed25519_key_signs_in() { signs_in({"EdDSA", "ed25519", "ed25519"}); }

static const struct test tests[] = {
    {"a key on a curve signs in; one byte of its signature changed is refused", a_key_on_a_curve_signs_in},
    {"an RSA key signs in by both paddings; one byte changed is refused", an_rsa_key_signs_in},
    {"an Ed25519 key signs in; one byte changed is refused", an_ed25519_key_signs_in},
};

int main() { return RUN(tests); }
