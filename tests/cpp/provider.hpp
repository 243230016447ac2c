// The provider that a test program talks to, and its checks: those of the C tests.
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef PROVIDER_HPP
#define PROVIDER_HPP

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <ciba.hpp>

extern "C" {
#include "../c/provider.h"
}

// A call of the control interface; its answer.
inline std::string told(const char *method_and_path, const std::string &json = "{}") {
  char *answer = control(method_and_path, json.c_str());
  std::string text(answer);
  std::free(answer);
  return text;
}

// A text with something in place of the first of something else, which must be there.
inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  if (CHECK(at != std::string::npos)) text.replace(at, what.size(), with);
  return text;
}

inline ciba::Config generic_config(std::string_view client_id) {
  ciba::Config config;
  CHECK(config.set({{ciba::setting::issuer, fact("issuer")},
                    {ciba::setting::client_id, client_id},
                    {ciba::setting::ca_file, fact("ca_file")},
                    {ciba::setting::ca_mode, "replace"},
                    {ciba::setting::proxy, "none"}}));
  return config;
}

inline std::optional<ciba::Client> client_of(const ciba::Config &config) {
  auto made = ciba::Client::create(config);
  if (!CHECK(made)) return std::nullopt;
  return *std::move(made);
}

// What the person is told decides what the person does.
inline ciba::Request request_for(std::string_view phrase) {
  ciba::Request request;
  CHECK(request.set({{"login_hint", "alice"}, {"binding_message", phrase}}));
  return request;
}

#endif
