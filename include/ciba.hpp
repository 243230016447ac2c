// libciba for C++17 and newer: ciba.h with owners, durations and results. Header-only.
// SPDX-License-Identifier: MIT OR Apache-2.0
//
//   ciba::Config config;
//   config.set({{"provider", "telenor-test"}, {"client_id", "desk-7"}, {"client_secret", secret}}).value();
//   auto client = ciba::Client::create(config).value();
//
//   ciba::Request request;
//   request.set("login_hint", "+4799988777").value();
//
//   auto flow = client.init(request).value();  // the phone rings
//   auto tokens = flow.poll().value();         // waits for the person
//   std::cout << *tokens.claim("sub") << '\n'; // verified
//
// Manners; what is not said here is as ciba.h has it:
// - What can fail returns a Result<T>: the value, or an Error. It is a std::expected<T, Error> where
//   there is one, and has the same members where there is none. value() throws an Exception, as the
//   caller chooses; nothing else here throws anything of its own. With -fno-exceptions, or with
//   CIBA_NO_EXCEPTIONS defined, there is no value().
// - A call that may wait takes a timeout in ms, and without one waits until it is done; a timeout
//   that is not positive does not wait. When the time is up, that is no error.
// - Objects own what they are, and are moved, not copied. One that was moved from answers every
//   call with CIBA_MISSING_ARGUMENT, or with nothing. They may be used from several threads at once,
//   but not while one of these moves or destroys them.
// - A std::string_view in need not end with NUL. One out belongs to the object that was asked.
//
// In this file: Status · Error, Exception, Result · setting::, parameter:: · LogEvent, SigningInput, Config ·
// Request · Claims, Tokens, Answer · Notification · SavedFlow · Progress, Flow · Client · FlowSet
#ifndef CIBA_HPP
#define CIBA_HPP

#include <ciba.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif

#if !defined(CIBA_NO_EXCEPTIONS) && !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#define CIBA_NO_EXCEPTIONS
#endif

// Files that are compiled differently may be linked together: each kind has names of its own.
#if defined(__cpp_lib_expected)
#include <expected>
#if defined(CIBA_NO_EXCEPTIONS)
#define CIBA_HPP_KIND expected_only
#else
#define CIBA_HPP_KIND expected_or_throw
#endif
#elif defined(CIBA_NO_EXCEPTIONS)
#define CIBA_HPP_KIND result_only
#else
#define CIBA_HPP_KIND result_or_throw
#endif

namespace ciba {
inline namespace CIBA_HPP_KIND {

// ---- Statuses ---------------------------------------------------------------------------------

/// What happened; ciba.h explains each. A newer library may return others.
enum class Status : ciba_status {
  ok = CIBA_OK,
  pending = CIBA_PENDING,
  missing_argument = CIBA_MISSING_ARGUMENT,
  invalid_utf8 = CIBA_INVALID_UTF8,
  unknown_name = CIBA_UNKNOWN_NAME,
  invalid_value = CIBA_INVALID_VALUE,
  missing_setting = CIBA_MISSING_SETTING,
  conflicting_settings = CIBA_CONFLICTING_SETTINGS,
  invalid_authentication_request = CIBA_INVALID_AUTHENTICATION_REQUEST,
  freed = CIBA_FREED,
  other_process = CIBA_OTHER_PROCESS,
  no_tokens = CIBA_NO_TOKENS,
  not_present = CIBA_NOT_PRESENT,
  in_callback = CIBA_IN_CALLBACK,
  file = CIBA_FILE,
  in_set = CIBA_IN_SET,
  unsupported = CIBA_UNSUPPORTED,
  other_client = CIBA_OTHER_CLIENT,
  already_refreshed = CIBA_ALREADY_REFRESHED,
  connect_failed = CIBA_CONNECT_FAILED,
  name_resolution_failed = CIBA_NAME_RESOLUTION_FAILED,
  tls_failed = CIBA_TLS_FAILED,
  timeout = CIBA_TIMEOUT,
  connection_lost = CIBA_CONNECTION_LOST,
  proxy_failed = CIBA_PROXY_FAILED,
  proxy_authentication_required = CIBA_PROXY_AUTHENTICATION_REQUIRED,
  redirected = CIBA_REDIRECTED,
  answer_too_large = CIBA_ANSWER_TOO_LARGE,
  http_status = CIBA_HTTP_STATUS,
  malformed_answer = CIBA_MALFORMED_ANSWER,
  start_unknown = CIBA_START_UNKNOWN,
  refresh_unknown = CIBA_REFRESH_UNKNOWN,
  signer_failed = CIBA_SIGNER_FAILED,
  invalid_request = CIBA_INVALID_REQUEST,
  invalid_client = CIBA_INVALID_CLIENT,
  invalid_grant = CIBA_INVALID_GRANT,
  unauthorized_client = CIBA_UNAUTHORIZED_CLIENT,
  unsupported_grant_type = CIBA_UNSUPPORTED_GRANT_TYPE,
  invalid_scope = CIBA_INVALID_SCOPE,
  expired_login_hint_token = CIBA_EXPIRED_LOGIN_HINT_TOKEN,
  unknown_user_id = CIBA_UNKNOWN_USER_ID,
  missing_user_code = CIBA_MISSING_USER_CODE,
  invalid_user_code = CIBA_INVALID_USER_CODE,
  invalid_binding_message = CIBA_INVALID_BINDING_MESSAGE,
  refused_by_policy = CIBA_REFUSED_BY_POLICY,
  invalid_acknowledgement = CIBA_INVALID_ACKNOWLEDGEMENT,
  invalid_token_response = CIBA_INVALID_TOKEN_RESPONSE,
  provider_error = CIBA_PROVIDER_ERROR,
  denied_or_failed = CIBA_DENIED_OR_FAILED,
  authentication_device_error = CIBA_AUTHENTICATION_DEVICE_ERROR,
  transaction_failed = CIBA_TRANSACTION_FAILED,
  invalid_token = CIBA_INVALID_TOKEN,
  insufficient_scope = CIBA_INSUFFICIENT_SCOPE,
  unsupported_token_type = CIBA_UNSUPPORTED_TOKEN_TYPE,
  invalid_introspection_response = CIBA_INVALID_INTROSPECTION_RESPONSE,
  denied = CIBA_DENIED,
  expired = CIBA_EXPIRED,
  cancelled = CIBA_CANCELLED,
  failed = CIBA_FAILED,
  unknown = CIBA_UNKNOWN,
  token_malformed = CIBA_TOKEN_MALFORMED,
  token_encrypted = CIBA_TOKEN_ENCRYPTED,
  token_algorithm = CIBA_TOKEN_ALGORITHM,
  token_critical_header = CIBA_TOKEN_CRITICAL_HEADER,
  token_type = CIBA_TOKEN_TYPE,
  token_key_not_found = CIBA_TOKEN_KEY_NOT_FOUND,
  token_key_unusable = CIBA_TOKEN_KEY_UNUSABLE,
  token_signature = CIBA_TOKEN_SIGNATURE,
  token_claims_malformed = CIBA_TOKEN_CLAIMS_MALFORMED,
  token_issuer = CIBA_TOKEN_ISSUER,
  token_audience = CIBA_TOKEN_AUDIENCE,
  token_authorized_party = CIBA_TOKEN_AUTHORIZED_PARTY,
  token_expired = CIBA_TOKEN_EXPIRED,
  token_issued_at = CIBA_TOKEN_ISSUED_AT,
  token_not_yet_valid = CIBA_TOKEN_NOT_YET_VALID,
  token_subject = CIBA_TOKEN_SUBJECT,
  token_access_token_hash = CIBA_TOKEN_ACCESS_TOKEN_HASH,
  token_refresh_token_hash = CIBA_TOKEN_REFRESH_TOKEN_HASH,
  token_request_id = CIBA_TOKEN_REQUEST_ID,
  token_unexpected_claim = CIBA_TOKEN_UNEXPECTED_CLAIM,
  token_missing = CIBA_TOKEN_MISSING,
  token_acr = CIBA_TOKEN_ACR,
  token_auth_time = CIBA_TOKEN_AUTH_TIME,
  token_not_encrypted = CIBA_TOKEN_NOT_ENCRYPTED,
  token_decryption = CIBA_TOKEN_DECRYPTION,
  userinfo_subject = CIBA_USERINFO_SUBJECT,
  userinfo_malformed = CIBA_USERINFO_MALFORMED,
  userinfo_signing = CIBA_USERINFO_SIGNING,
  token_binding = CIBA_TOKEN_BINDING,
  discovery_failed = CIBA_DISCOVERY_FAILED,
  metadata_malformed = CIBA_METADATA_MALFORMED,
  metadata_issuer = CIBA_METADATA_ISSUER,
  metadata_endpoint_missing = CIBA_METADATA_ENDPOINT_MISSING,
  metadata_endpoint_host = CIBA_METADATA_ENDPOINT_HOST,
  metadata_mismatch = CIBA_METADATA_MISMATCH,
  keys_unavailable = CIBA_KEYS_UNAVAILABLE,
  keys_malformed = CIBA_KEYS_MALFORMED,
  handed_over = CIBA_HANDED_OVER,
  saved_flow_malformed = CIBA_SAVED_FLOW_MALFORMED,
  saved_flow_key = CIBA_SAVED_FLOW_KEY,
  saved_flow_version = CIBA_SAVED_FLOW_VERSION,
  saved_flow_client = CIBA_SAVED_FLOW_CLIENT,
  saved_flow_context = CIBA_SAVED_FLOW_CONTEXT,
  not_saveable = CIBA_NOT_SAVEABLE,
  notification_unknown_flow = CIBA_NOTIFICATION_UNKNOWN_FLOW,
  notification_unauthorized = CIBA_NOTIFICATION_UNAUTHORIZED,
  notification_other_request = CIBA_NOTIFICATION_OTHER_REQUEST,
  notification_malformed = CIBA_NOTIFICATION_MALFORMED,
  notification_wrong_mode = CIBA_NOTIFICATION_WRONG_MODE,
  internal = CIBA_INTERNAL,
  panic = CIBA_PANIC,
  resources = CIBA_RESOURCES,
};

/// The name of a status in ciba.h, for example "CIBA_DENIED".
[[nodiscard]] inline std::string_view status_name(Status status) noexcept {
  return ciba_status_name(static_cast<ciba_status>(status));
}

/// What a status means, in one short sentence.
[[nodiscard]] inline std::string_view status_text(Status status) noexcept {
  return ciba_status_text(static_cast<ciba_status>(status));
}

/// The version of the library that is loaded. Client::create() checks that it fits this header.
[[nodiscard]] inline std::string_view version() noexcept { return ciba_version(); }

// ---- What the classes below are made of ---------------------------------------------------------

namespace detail {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T *handle) const noexcept {
    Free(handle);
  }
};

template <class T, auto Free>
using Handle = std::unique_ptr<T, Freed<Free>>;

/// A text for C: copied, since a view need not end with NUL, and wiped, since it may be a secret.
class Text {
 public:
  explicit Text(std::string_view view)
      : size_(view.size()), long_(size_ < sizeof short_ ? nullptr : new char[size_ + 1]) {
    char *text = long_ ? long_.get() : short_;
    std::copy(view.begin(), view.end(), text);
    text[size_] = '\0';
    holds_nul_ = view.find('\0') != std::string_view::npos;
  }
  ~Text() {
    volatile char *text = long_ ? long_.get() : short_;
    for (std::size_t i = 0; i < size_; ++i) text[i] = '\0';
  }
  Text(const Text &) = delete;
  Text &operator=(const Text &) = delete;

  /// NULL if C would see only a part of it.
  [[nodiscard]] const char *get() const noexcept {
    return holds_nul_ ? nullptr : long_ ? long_.get() : short_;
  }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> long_;
  char short_[120];
  bool holds_nul_;
};

inline std::optional<std::string_view> optional(const char *text, std::size_t length) noexcept {
  return text ? std::optional<std::string_view>{std::in_place, text, length} : std::nullopt;
}

inline std::optional<std::chrono::milliseconds> duration(std::int64_t ms) noexcept {
  return ms < 0 ? std::nullopt : std::optional<std::chrono::milliseconds>{ms};
}

inline std::optional<std::chrono::system_clock::time_point> time(std::int64_t unix_ms) noexcept {
  using Clock = std::chrono::system_clock;
  using std::chrono::milliseconds;
  if (unix_ms < 0) return std::nullopt;
  constexpr auto latest = std::chrono::duration_cast<milliseconds>(Clock::duration::max());
  return Clock::time_point{
      std::chrono::duration_cast<Clock::duration>(std::min(milliseconds{unix_ms}, latest))};
}

/// For C a negative timeout has no end; in C++ a deadline that is over makes one.
inline std::int64_t timeout(std::chrono::milliseconds timeout) noexcept {
  return std::max<std::int64_t>(timeout.count(), 0);
}

}  // namespace detail

// ---- Errors and results -------------------------------------------------------------------------

/// Why a call did not succeed.
class Error {
 public:
  explicit Error(Status status, const char *message = nullptr) noexcept : status_(status), message_(message) {}
  Error(ciba_status status, ciba_error *error) noexcept : status_(Status{status}), error_(error) {}

  /// What happened, as a stable number.
  [[nodiscard]] Status status() const noexcept { return status_; }

  /// What happened, as one line for a log, without anything secret.
  [[nodiscard]] std::string_view message() const noexcept { return c_str(); }

  /// The provider's OAuth error code, verbatim.
  [[nodiscard]] std::optional<std::string_view> oauth_error() const noexcept {
    return text(ciba_error_oauth_error(error_.get()));
  }

  /// The provider's description of its error: its own text, which may name the person.
  [[nodiscard]] std::optional<std::string_view> oauth_error_description() const noexcept {
    return text(ciba_error_oauth_error_description(error_.get()));
  }

  /// The HTTP status of the provider's answer.
  [[nodiscard]] std::optional<int> http_status() const noexcept {
    const int status = ciba_error_http_status(error_.get());
    return status < 0 ? std::nullopt : std::optional<int>{status};
  }

  /// How long the provider asked to wait.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept {
    return detail::duration(ciba_error_retry_after_ms(error_.get()));
  }

 private:
  friend class Exception;

  const char *c_str() const noexcept {
    const char *message = error_ ? ciba_error_message(error_.get()) : message_;
    return message ? message : ciba_status_text(static_cast<ciba_status>(status_));
  }

  static std::optional<std::string_view> text(const char *text) noexcept {
    return text ? std::optional<std::string_view>{text} : std::nullopt;
  }

  Status status_;
  const char *message_ = nullptr;
  detail::Handle<ciba_error, ciba_error_free> error_;
};

#if !defined(CIBA_NO_EXCEPTIONS)
/// What Result::value() throws: an Error.
class Exception : public std::exception {
 public:
  explicit Exception(Error error) : error_(std::make_shared<const Error>(std::move(error))) {}

  /// What happened, as one line for a log, without anything secret.
  [[nodiscard]] const char *what() const noexcept override { return error_->c_str(); }
  /// The details.
  [[nodiscard]] const Error &error() const noexcept { return *error_; }
  /// What happened, as a stable number.
  [[nodiscard]] Status status() const noexcept { return error_->status(); }

 private:
  std::shared_ptr<const Error> error_;  // exceptions are copied, errors are not
};
#endif

namespace detail {

#if defined(__cpp_lib_expected)

template <class T>
using Expected = std::expected<T, Error>;
using std::unexpect;

#else

struct unexpect_t {};
inline constexpr unexpect_t unexpect{};

/// std::expected, as far as it is needed here.
template <class T>
class Expected {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  Expected() = default;
  template <class U, class = std::enable_if_t<std::is_constructible_v<Value, U> &&
                                              !std::is_base_of_v<Expected, std::decay_t<U>>>>
  Expected(U &&value) : content_(std::in_place_index<0>, std::forward<U>(value)) {}
  Expected(unexpect_t, Error error) noexcept : content_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

  Value &operator*() & noexcept { return *std::get_if<0>(&content_); }
  const Value &operator*() const & noexcept { return *std::get_if<0>(&content_); }
  Value &&operator*() && noexcept { return std::move(*std::get_if<0>(&content_)); }
  Value *operator->() noexcept { return std::get_if<0>(&content_); }
  const Value *operator->() const noexcept { return std::get_if<0>(&content_); }

  template <class U>
  Value value_or(U &&other) && {
    return has_value() ? *std::move(*this) : static_cast<Value>(std::forward<U>(other));
  }

  Error &error() & noexcept { return *std::get_if<1>(&content_); }
  const Error &error() const & noexcept { return *std::get_if<1>(&content_); }
  Error &&error() && noexcept { return std::move(*std::get_if<1>(&content_)); }

 private:
  std::variant<Value, Error> content_;
};

#endif

}  // namespace detail

/// A value, or the Error that took its place.
template <class T>
class [[nodiscard]] Result : public detail::Expected<T> {
 public:
  using detail::Expected<T>::Expected;

  Result(Error error) noexcept : detail::Expected<T>(detail::unexpect, std::move(error)) {}

#if defined(CIBA_NO_EXCEPTIONS)
  /// Look with has_value() first, and take *result or result.error().
  void value() const = delete;
#else
  /// The value. Throws an Exception, into which the error moves, if there is none.
  template <class U = T>
  std::enable_if_t<!std::is_void_v<U>, U &> value() & {
    check();
    return **this;
  }
  template <class U = T>
  std::enable_if_t<!std::is_void_v<U>, U> value() && {
    check();
    return *std::move(*this);
  }
  template <class U = T>
  std::enable_if_t<std::is_void_v<U>> value() {
    check();
  }

 private:
  void check() {
    if (!this->has_value()) throw Exception(std::move(this->error()));
  }
#endif
};

namespace detail {

/// Makes a call that takes a place for an error.
template <class Call>
Result<void> run(Call call) {
  ciba_error *error = nullptr;
  const ciba_status status = call(&error);
  if (status == CIBA_OK) return {};
  return Error(status, error);
}

/// The same for one that may also say that its time is up: then false.
template <class Call>
Result<bool> run_until(Call call) {
  ciba_error *error = nullptr;
  const ciba_status status = call(&error);
  if (status == CIBA_OK || status == CIBA_PENDING) return status == CIBA_OK;
  return Error(status, error);
}

inline constexpr const char *holds_nul = "a text holds a NUL character";

using Named = std::pair<std::string_view, std::string_view>;

template <class T, class Set>
Result<void> set(T *object, Set set, std::string_view name, std::string_view value) {
  const Text name_text(name), value_text(value);
  if (!name_text.get() || !value_text.get()) return Error(Status::invalid_value, holds_nul);
  return run([&](ciba_error **err) { return set(object, name_text.get(), value_text.get(), err); });
}

template <class T, class Set>
Result<void> set_json(T *object, Set set, std::string_view json) {
  const Text text(json);
  if (!text.get()) return Error(Status::invalid_value, holds_nul);
  return run([&](ciba_error **err) { return set(object, text.get(), err); });
}

template <class T>
Result<void> set_all(T &object, std::initializer_list<Named> values) {
  for (const auto &[name, value] : values) {
    if (auto done = object.set(name, value); !done) return done;
  }
  return {};
}

template <class Function>
void release(void *userdata) noexcept {
  delete static_cast<Function *>(userdata);
}

}  // namespace detail

// ---- Names --------------------------------------------------------------------------------------

/// The names of settings, for Config::set(); ciba.h explains each.
namespace setting {
inline constexpr std::string_view provider = "provider";
inline constexpr std::string_view profile = "profile";
inline constexpr std::string_view issuer = "issuer";
inline constexpr std::string_view client_id = "client_id";
inline constexpr std::string_view client_secret = "client_secret";
inline constexpr std::string_view token_endpoint_auth_method = "token_endpoint_auth_method";
inline constexpr std::string_view token_endpoint_auth_signing_alg = "token_endpoint_auth_signing_alg";
inline constexpr std::string_view client_private_key = "client_private_key";
inline constexpr std::string_view client_private_key_file = "client_private_key_file";
inline constexpr std::string_view client_key_id = "client_key_id";
inline constexpr std::string_view client_assertion_audience = "client_assertion_audience";
inline constexpr std::string_view client_assertion_typ = "client_assertion_typ";
inline constexpr std::string_view tls_client_certificate = "tls_client_certificate";
inline constexpr std::string_view tls_client_certificate_file = "tls_client_certificate_file";
inline constexpr std::string_view tls_client_key = "tls_client_key";
inline constexpr std::string_view tls_client_key_file = "tls_client_key_file";
inline constexpr std::string_view tls_client_password = "tls_client_password";
inline constexpr std::string_view tls_client_certificate_bound_access_tokens = "tls_client_certificate_bound_access_tokens";
inline constexpr std::string_view dpop_bound_access_tokens = "dpop_bound_access_tokens";
inline constexpr std::string_view dpop_signing_alg = "dpop_signing_alg";
inline constexpr std::string_view dpop_private_key = "dpop_private_key";
inline constexpr std::string_view dpop_private_key_file = "dpop_private_key_file";
inline constexpr std::string_view dpop_public_key = "dpop_public_key";
inline constexpr std::string_view backchannel_token_delivery_mode = "backchannel_token_delivery_mode";
inline constexpr std::string_view backchannel_client_notification_endpoint = "backchannel_client_notification_endpoint";
inline constexpr std::string_view backchannel_authentication_request_signing_alg = "backchannel_authentication_request_signing_alg";
inline constexpr std::string_view signed_request_audience = "signed_request_audience";
inline constexpr std::string_view signed_request_typ = "signed_request_typ";
inline constexpr std::string_view id_token_signed_response_alg = "id_token_signed_response_alg";
inline constexpr std::string_view id_token_encrypted_response_alg = "id_token_encrypted_response_alg";
inline constexpr std::string_view id_token_encrypted_response_enc = "id_token_encrypted_response_enc";
inline constexpr std::string_view client_decryption_key = "client_decryption_key";
inline constexpr std::string_view client_decryption_key_file = "client_decryption_key_file";
inline constexpr std::string_view backchannel_authentication_endpoint = "backchannel_authentication_endpoint";
inline constexpr std::string_view token_endpoint = "token_endpoint";
inline constexpr std::string_view jwks_uri = "jwks_uri";
inline constexpr std::string_view userinfo_endpoint = "userinfo_endpoint";
inline constexpr std::string_view introspection_endpoint = "introspection_endpoint";
inline constexpr std::string_view revocation_endpoint = "revocation_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_backchannel_authentication_endpoint = "mtls_endpoint_aliases.backchannel_authentication_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_token_endpoint = "mtls_endpoint_aliases.token_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_userinfo_endpoint = "mtls_endpoint_aliases.userinfo_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_introspection_endpoint = "mtls_endpoint_aliases.introspection_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_revocation_endpoint = "mtls_endpoint_aliases.revocation_endpoint";
inline constexpr std::string_view mtls_endpoint_aliases_required = "mtls_endpoint_aliases_required";
inline constexpr std::string_view userinfo_signed_response_alg = "userinfo_signed_response_alg";
inline constexpr std::string_view userinfo_encrypted_response_alg = "userinfo_encrypted_response_alg";
inline constexpr std::string_view userinfo_encrypted_response_enc = "userinfo_encrypted_response_enc";
inline constexpr std::string_view prepare_endpoint = "prepare_endpoint";
inline constexpr std::string_view init_auth_endpoint = "init_auth_endpoint";
inline constexpr std::string_view cancel_endpoint = "cancel_endpoint";
inline constexpr std::string_view backchannel_user_code_parameter = "backchannel_user_code_parameter";
inline constexpr std::string_view requested_expiry_parameter = "requested_expiry_parameter";
inline constexpr std::string_view basic_credentials = "basic_credentials";
inline constexpr std::string_view id_token_required = "id_token_required";
inline constexpr std::string_view clock_tolerance_s = "clock_tolerance_s";
inline constexpr std::string_view allowed_hosts = "allowed_hosts";
inline constexpr std::string_view allow_http_loopback = "allow_http_loopback";
inline constexpr std::string_view ca_file = "ca_file";
inline constexpr std::string_view ca_certificates = "ca_certificates";
inline constexpr std::string_view ca_mode = "ca_mode";
inline constexpr std::string_view proxy = "proxy";
inline constexpr std::string_view proxy_username = "proxy_username";
inline constexpr std::string_view proxy_password = "proxy_password";
inline constexpr std::string_view proxy_exceptions = "proxy_exceptions";
inline constexpr std::string_view connect_timeout_ms = "connect_timeout_ms";
inline constexpr std::string_view request_timeout_ms = "request_timeout_ms";
inline constexpr std::string_view poll_timeout_ms = "poll_timeout_ms";
inline constexpr std::string_view max_answer_bytes = "max_answer_bytes";
inline constexpr std::string_view saved_flow_keys = "saved_flow_keys";
inline constexpr std::string_view saved_flow_unsealed = "saved_flow_unsealed";
inline constexpr std::string_view saved_flow_exclusive = "saved_flow_exclusive";
inline constexpr std::string_view log_file = "log_file";
inline constexpr std::string_view log_level = "log_level";
}  // namespace setting

/// The names of parameters, for Request::set(); ciba.h explains each.
namespace parameter {
inline constexpr std::string_view scope = "scope";
inline constexpr std::string_view login_hint = "login_hint";
inline constexpr std::string_view login_hint_sub = "login_hint.sub";
inline constexpr std::string_view login_hint_token = "login_hint_token";
inline constexpr std::string_view login_hint_token_encoding = "login_hint_token_encoding";
inline constexpr std::string_view login_hint_token_idp = "login_hint_token.idp";
inline constexpr std::string_view login_hint_token_uuid = "login_hint_token.uuid";
inline constexpr std::string_view login_hint_token_cpr = "login_hint_token.cpr";
inline constexpr std::string_view login_hint_token_referenceTextBody = "login_hint_token.referenceTextBody";
inline constexpr std::string_view login_hint_token_ip = "login_hint_token.ip";
inline constexpr std::string_view login_hint_token_action = "login_hint_token.action";
inline constexpr std::string_view login_hint_token_referenceId = "login_hint_token.referenceId";
inline constexpr std::string_view login_hint_token_ciba_nonce = "login_hint_token.ciba_nonce";
inline constexpr std::string_view login_hint_token_idp_values = "login_hint_token.idp_values";
inline constexpr std::string_view login_hint_token_prompt = "login_hint_token.prompt";
inline constexpr std::string_view id_token_hint = "id_token_hint";
inline constexpr std::string_view acr_values = "acr_values";
inline constexpr std::string_view binding_message = "binding_message";
inline constexpr std::string_view user_code = "user_code";
inline constexpr std::string_view requested_expiry = "requested_expiry";
inline constexpr std::string_view resource = "resource";
inline constexpr std::string_view authorization_details = "authorization_details";
inline constexpr std::string_view claims = "claims";
inline constexpr std::string_view request_context = "request_context";
inline constexpr std::string_view prepare_kurt_id = "prepare.kurt_id";
inline constexpr std::string_view init_auth_redirectUri = "init_auth.redirectUri";
inline constexpr std::string_view init_auth_state = "init_auth.state";
inline constexpr std::string_view expected_acr = "expected.acr";
inline constexpr std::string_view expected_max_age = "expected.max_age";
inline constexpr std::string_view expected_sub = "expected.sub";
inline constexpr std::string_view correlation = "correlation";
}  // namespace parameter

// ---- Settings -----------------------------------------------------------------------------------

/// How important a log event is.
enum class LogLevel : std::int32_t { error = 1, warning = 2, info = 3, debug = 4 };

/// A log event; its texts live until the callback returns.
struct LogEvent {
  LogLevel level;
  /// A stable name, for example "poll.slow_down".
  std::string_view event;
  /// One line, without anything secret.
  std::string_view text;
  /// The request's "correlation", or "".
  std::string_view correlation;
  std::chrono::system_clock::time_point time;
};

/// What a signer signs; all of it lives until the signer returns.
struct SigningInput {
  /// As in JWS: "ES256" for example.
  std::string_view algorithm;
  /// Which key. That of the client: the setting client_key_id, or "". That of DPoP proofs: the kid of the setting
  /// dpop_public_key or, where it has none, its thumbprint (RFC 7638).
  std::string_view key_id;
  /// The bytes that are signed, not hashed yet.
  const std::uint8_t *bytes;
  std::size_t size;
};

/// The settings of a client, by name.
class Config {
 public:
  Config() noexcept : config_(ciba_config_new()) {}

  /// Sets one setting; an empty value takes it back. What is refused changes nothing.
  Result<void> set(std::string_view name, std::string_view value) {
    return detail::set(config_.get(), ciba_config_set, name, value);
  }

  /// Sets several; ends with the first that is refused.
  Result<void> set(std::initializer_list<detail::Named> settings) { return detail::set_all(*this, settings); }

  /// Sets every setting that a JSON object names: all of them or, on an error, none.
  Result<void> set_json(std::string_view json) {
    return detail::set_json(config_.get(), ciba_config_set_json, json);
  }

  /// Has a function sign with the client's private key, which the library never sees, in place of
  /// client_private_key: that of a smart card, an HSM, a cloud's key service. It gives the signature as JWS has
  /// it: r and s one after the other for ES256 and its kind, not DER. nullopt, or what it throws: it cannot
  /// sign, and nothing is sent (Status::signer_failed). It is called by threads that are inside a call, several
  /// at once perhaps, and destroyed with the last of the settings and of the clients and flows made from them.
  /// See ciba_config_set_signer().
  Result<void> set_signer(std::function<std::optional<std::vector<std::uint8_t>>(const SigningInput &)> signer) {
    using Function = std::function<std::optional<std::vector<std::uint8_t>>(const SigningInput &)>;
    if (!signer) return Error(Status::missing_argument, "signer is empty");
    auto userdata = std::make_unique<Function>(std::move(signer));
    return detail::run([&](ciba_error **err) {
      return ciba_config_set_signer(config_.get(), call_signer, userdata.release(), detail::release<Function>, err);
    });
  }

  /// Sends log events to a function, beside those that were given before. It is called by threads that
  /// are inside a call of a client or flow, one event at a time, and destroyed with the last of the
  /// settings and of the clients and flows made from them. What it throws is dropped: a log ends no
  /// sign-in.
  Result<void> set_log(LogLevel level, std::function<void(const LogEvent &)> log) {
    using Function = std::function<void(const LogEvent &)>;
    if (!log) return Error(Status::missing_argument, "log is empty");
    auto userdata = std::make_unique<Function>(std::move(log));
    return detail::run([&](ciba_error **err) {
      return ciba_config_set_log(config_.get(), static_cast<std::int32_t>(level), call_log, userdata.release(),
                                 detail::release<Function>, err);
    });
  }

 private:
  friend class Client;

  static std::int32_t call_signer(void *userdata, const char *algorithm, const char *key_id, const std::uint8_t *input,
                                  std::size_t input_length, std::uint8_t *signature, std::size_t room,
                                  std::size_t *signature_length) noexcept {
    using Function = std::function<std::optional<std::vector<std::uint8_t>>(const SigningInput &)>;
    const auto sign = [&]() -> std::int32_t {
      const auto made = (*static_cast<const Function *>(userdata))(
          SigningInput{algorithm, key_id ? std::string_view(key_id) : std::string_view(), input, input_length});
      if (!made) return 1;
      if (made->size() > room) return 3;
      std::copy(made->begin(), made->end(), signature);
      *signature_length = made->size();
      return 0;
    };
#if defined(CIBA_NO_EXCEPTIONS)
    return sign();
#else
    try {
      return sign();
    } catch (...) {  // must not cross the border to C
      return 2;
    }
#endif
  }

  static void call_log(void *userdata, std::int32_t level, const char *event, const char *text,
                       const char *correlation, std::int64_t unix_ms) noexcept {
    const auto &log = *static_cast<std::function<void(const LogEvent &)> *>(userdata);
    const LogEvent told{static_cast<LogLevel>(level), event, text, correlation,
                        detail::time(unix_ms).value_or(std::chrono::system_clock::time_point{})};
#if defined(CIBA_NO_EXCEPTIONS)
    log(told);
#else
    try {
      log(told);
    } catch (...) {  // must not cross the border to C
    }
#endif
  }

  detail::Handle<ciba_config, ciba_config_free> config_;
};

class Client;

/// What is asked of whom, by parameter name. It may be used for several flows.
class Request {
 public:
  Request() noexcept : request_(ciba_request_new()) {}

  /// Sets one parameter; an empty value takes it back. What is refused changes nothing.
  Result<void> set(std::string_view name, std::string_view value) {
    return detail::set(request_.get(), ciba_request_set, name, value);
  }

  /// Sets several; ends with the first that is refused.
  Result<void> set(std::initializer_list<detail::Named> parameters) { return detail::set_all(*this, parameters); }

  /// Sets every parameter that a JSON object names: all of them or, on an error, none.
  Result<void> set_json(std::string_view json) {
    return detail::set_json(request_.get(), ciba_request_set_json, json);
  }

  /// Makes a short code by the rule of the client's provider and sets it as binding_message;
  /// Flow::binding_message() tells it. Where the rule depends on acr_values, these are set before.
  Result<void> set_binding_code(const Client &client);

 private:
  friend class Client;

  detail::Handle<ciba_request, ciba_request_free> request_;
};

// ---- Tokens -------------------------------------------------------------------------------------

/// A claim: its literal name, and its value as text: a JSON string as it is, anything else as JSON.
struct Claim {
  std::string_view name;
  std::string_view text;
};

/// The claims of some tokens, to go through. They live as long as the tokens do.
class Claims {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Claim;
    using pointer = const Claim *;
    using reference = const Claim &;

    iterator() = default;
    reference operator*() const noexcept { return claim_; }
    pointer operator->() const noexcept { return &claim_; }
    iterator &operator++() noexcept {
      ++index_;
      find();
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator &a, const iterator &b) noexcept {
      return a.tokens_ == b.tokens_ && a.index_ == b.index_;
    }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

   private:
    friend class Claims;

    explicit iterator(const ciba_tokens *tokens) noexcept : tokens_(tokens) { find(); }

    void find() noexcept {
      std::size_t length = 0;
      const char *name = ciba_tokens_claim_name(tokens_, index_, &length);
      if (!name) {
        *this = {};  // the end
        return;
      }
      claim_.name = {name, length};
      const char *text = ciba_tokens_claim(tokens_, name, &length);
      claim_.text = text ? std::string_view{text, length} : std::string_view{};
    }

    const ciba_tokens *tokens_ = nullptr;
    std::size_t index_ = 0;
    Claim claim_;
  };

  [[nodiscard]] iterator begin() const noexcept { return iterator(tokens_); }
  [[nodiscard]] iterator end() const noexcept { return {}; }

 private:
  friend class Tokens;

  explicit Claims(const ciba_tokens *tokens) noexcept : tokens_(tokens) {}

  const ciba_tokens *tokens_;
};

/// The verified tokens of a flow. They are wiped from memory with the last of flow and tokens.
class Tokens {
 public:
  /// The access token: a secret.
  [[nodiscard]] std::string_view access_token() const { return get("access_token").value_or(std::string_view{}); }
  /// The ID Token: signed; one that came encrypted is decrypted.
  [[nodiscard]] std::optional<std::string_view> id_token() const { return get("id_token"); }
  /// The refresh token: a secret.
  [[nodiscard]] std::optional<std::string_view> refresh_token() const { return get("refresh_token"); }
  /// When the access token expires, if the provider says so.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept {
    return detail::time(ciba_tokens_expires_at(tokens_.get()));
  }

  /// A member of the token response: a text as it is, anything else as JSON.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const {
    return find(ciba_tokens_get, name);
  }
  /// A claim of the ID Token by its literal name: a text as it is, anything else as JSON.
  [[nodiscard]] std::optional<std::string_view> claim(std::string_view name) const {
    return find(ciba_tokens_claim, name);
  }
  /// A claim of the ID Token by its literal name, as JSON.
  [[nodiscard]] std::optional<std::string_view> claim_json(std::string_view name) const {
    return find(ciba_tokens_claim_json, name);
  }
  /// All claims of the ID Token, to go through: for (const auto &[name, text] : tokens.claims()).
  [[nodiscard]] Claims claims() const & noexcept { return Claims(tokens_.get()); }
  Claims claims() && = delete;  // they would outlive the tokens
  /// All claims of the ID Token: one JSON object, as the provider wrote it.
  [[nodiscard]] std::optional<std::string_view> claims_json() const noexcept {
    std::size_t length = 0;
    const char *text = ciba_tokens_claims(tokens_.get(), &length);
    return detail::optional(text, length);
  }

 private:
  friend class Flow;
  friend class Client;

  explicit Tokens(ciba_tokens *tokens) noexcept : tokens_(tokens) {}

  template <class Call>
  std::optional<std::string_view> find(Call call, std::string_view name) const {
    const detail::Text text(name);
    std::size_t length = 0;
    const char *found = text.get() ? call(tokens_.get(), text.get(), &length) : nullptr;
    return detail::optional(found, length);
  }

  detail::Handle<ciba_tokens, ciba_tokens_free> tokens_;
};

/// One of the tokens that a provider can be told to revoke, or asked about.
enum class TokenKind { access_token, refresh_token };

/// What the provider says about a person (Client::userinfo()) or a token (Client::introspect()).
class Answer {
 public:
  /// A member by its literal name: a text as it is, anything else as JSON.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const {
    const detail::Text text(name);
    std::size_t length = 0;
    const char *found = text.get() ? ciba_answer_get(answer_.get(), text.get(), &length) : nullptr;
    return detail::optional(found, length);
  }
  /// The whole answer: one JSON object, as the provider wrote it.
  [[nodiscard]] std::string_view json() const noexcept {
    std::size_t length = 0;
    const char *text = ciba_answer_json(answer_.get(), &length);
    return detail::optional(text, length).value_or(std::string_view{});
  }

 private:
  friend class Client;

  explicit Answer(ciba_answer *answer) noexcept : answer_(answer) {}

  detail::Handle<ciba_answer, ciba_answer_free> answer_;
};

// ---- Notifications ------------------------------------------------------------------------------

/// What a notification says.
enum class NotificationKind : std::int32_t {
  /// Something was decided: it is fetched.
  ping = CIBA_KIND_PING,
  /// The tokens.
  tokens = CIBA_KIND_TOKENS,
  /// Why there are none.
  error = CIBA_KIND_ERROR,
};

/// What became of a request to the client's notification endpoint, see Client::deliver_notification().
class Notification {
 public:
  /// OK: it was delivered. Status::notification_unknown_flow: forward it to the process that has the flow, or
  /// resume that here and deliver it again. Anything else: it is not the provider's, or not as it must be.
  [[nodiscard]] Status status() const noexcept {
    return static_cast<Status>(ciba_notification_status(notification_.get()));
  }
  /// The HTTP status to answer, always, without a body.
  [[nodiscard]] int http_status() const noexcept { return ciba_notification_http_status(notification_.get()); }
  /// What it says; nothing where it has not the form of a notification.
  [[nodiscard]] std::optional<NotificationKind> kind() const noexcept {
    const std::int32_t kind = ciba_notification_kind(notification_.get());
    return kind > 0 ? std::optional<NotificationKind>{static_cast<NotificationKind>(kind)} : std::nullopt;
  }
  /// The identifier of the request that it is for. Confidential; not to be trusted unless the status is OK.
  [[nodiscard]] std::optional<std::string_view> auth_req_id() const noexcept {
    std::size_t length = 0;
    const char *text = ciba_notification_auth_req_id(notification_.get(), &length);
    return detail::optional(text, length);
  }

 private:
  friend class Client;

  explicit Notification(ciba_notification *notification) noexcept : notification_(notification) {}

  detail::Handle<ciba_notification, ciba_notification_free> notification_;
};

// ---- Saved flows --------------------------------------------------------------------------------

/// A flow as bytes, to be kept wherever the program keeps its state. Confidential.
class SavedFlow {
 public:
  /// The bytes, for Client::resume(). Not text.
  [[nodiscard]] std::string_view bytes() const noexcept {
    std::size_t length = 0;
    const std::uint8_t *bytes = ciba_saved_flow_bytes(saved_.get(), &length);
    return {reinterpret_cast<const char *>(bytes), length};
  }
  /// Higher with each save of the flow, also after it was resumed elsewhere.
  [[nodiscard]] std::int64_t revision() const noexcept { return ciba_saved_flow_revision(saved_.get()); }

 private:
  friend class Flow;

  explicit SavedFlow(ciba_saved_flow *saved) noexcept : saved_(saved) {}

  detail::Handle<ciba_saved_flow, ciba_saved_flow_free> saved_;
};

// ---- Flows --------------------------------------------------------------------------------------

/// How far a flow is.
enum class Stage : std::int32_t {
  /// The request is on its way.
  starting = 1,
  /// The person is being asked.
  pending = 2,
  /// The person has approved; the tokens are being verified.
  verifying = 3,
  /// The flow has its outcome.
  ended = 4,
};

/// How a flow stands.
struct Progress {
  Stage stage;
  /// How long the request still lives, where that is known.
  std::optional<std::chrono::milliseconds> expires_in;
  /// When the next poll is due; zero while an exchange is under way.
  std::optional<std::chrono::milliseconds> next_poll_in;
  /// How many token requests were answered, or lost.
  std::int64_t polls;
};

#if !defined(CIBA_NO_EXCEPTIONS)
namespace detail {

/// What a progress callback threw, until the call that it was inside has returned to C++.
inline thread_local std::exception_ptr thrown;

inline void rethrow() {
  if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
}

}  // namespace detail
#endif

/// One authentication: from its start to its outcome. Destroying it sends nothing: see cancel().
class Flow {
 public:
  /// Waits for the outcome, and asks the provider whenever a poll is due. The error is the outcome,
  /// the same on every later call: Status::denied, expired, cancelled, unknown, or why it failed.
  Result<Tokens> poll() {
    auto done = wait(ciba_poll, -1);
    if (!done) return std::move(done).error();
    return tokens();
  }

  /// The same, at most so long. Nothing: not decided; call again.
  Result<std::optional<Tokens>> poll(std::chrono::milliseconds timeout) {
    return tokens_if(wait(ciba_poll, detail::timeout(timeout)));
  }

  /// Makes the one exchange that is due, if one is, and waits for its answer; never sleeps towards a
  /// due time. Nothing: not decided.
  Result<std::optional<Tokens>> step() { return tokens_if(wait(ciba_step, -1)); }
  /// The same; waits at most so long.
  Result<std::optional<Tokens>> step(std::chrono::milliseconds timeout) {
    return tokens_if(wait(ciba_step, detail::timeout(timeout)));
  }

  /// Gives the authentication up: its outcome is Status::cancelled at once, and who waits for it
  /// wakes. Then waits at most so long for the provider's own cancel call, where it has one. False:
  /// that goes on in the background. The error is why that call failed, or Status::freed: another thread
  /// has closed the flow meanwhile.
  Result<bool> cancel(std::chrono::milliseconds timeout = std::chrono::milliseconds::zero()) {
    return wait(ciba_cancel, detail::timeout(timeout));
  }

  /// Saves the flow and lets it go on here: for a process that may be killed. Whoever resumes it waits a
  /// whole interval first. context: what it is saved for; it can be resumed with the same text alone.
  Result<SavedFlow> checkpoint(std::string_view context) {
    const detail::Text text(context);
    if (!text.get()) return Error(Status::invalid_value, detail::holds_nul);
    ciba_saved_flow *saved = nullptr;
    auto done = detail::run(
        [&](ciba_error **err) { return ciba_flow_checkpoint(flow_.get(), text.get(), &saved, err); });
    if (!done) return std::move(done).error();
    return SavedFlow(saved);
  }

  /// Saves the flow and closes it here, with the outcome Status::handed_over; waits at most so long for
  /// an exchange that is under way. Nothing: that has not ended, and the flow goes on.
  Result<std::optional<SavedFlow>> hand_over(std::string_view context, std::chrono::milliseconds timeout) {
    const detail::Text text(context);
    if (!text.get()) return Error(Status::invalid_value, detail::holds_nul);
    ciba_saved_flow *saved = nullptr;
    const auto call = [&](ciba_flow *flow, std::int64_t timeout_ms, ciba_error **err) {
      return ciba_flow_hand_over(flow, text.get(), timeout_ms, &saved, err);
    };
    auto done = wait(call, detail::timeout(timeout));
    if (!done) return std::move(done).error();
    if (!*done) return std::optional<SavedFlow>{};
    return std::optional<SavedFlow>{SavedFlow(saved)};
  }

  /// How often the flow was saved, here and before it was resumed here.
  [[nodiscard]] std::int64_t revision() const noexcept { return ciba_flow_revision(flow_.get()); }

  /// Sends away who is inside a call of this flow, and who comes later: Status::freed. For a flow
  /// that threads share, before it is destroyed.
  void close() noexcept { ciba_flow_close(flow_.get()); }

  /// How the flow ended: ok, denied, expired, cancelled, handed_over, failed, unknown; pending while it has
  /// not.
  [[nodiscard]] Status outcome() const noexcept { return Status{ciba_flow_outcome(flow_.get())}; }

  /// The tokens of a flow whose outcome is Status::ok.
  Result<Tokens> tokens() const {
    ciba_tokens *tokens = nullptr;
    auto done = detail::run([&](ciba_error **err) { return ciba_flow_tokens(flow_.get(), &tokens, err); });
    if (!done) return std::move(done).error();
    return Tokens(tokens);
  }

  /// The provider's identifier of the request, once it is acknowledged. Confidential.
  [[nodiscard]] std::optional<std::string_view> auth_req_id() const noexcept {
    return lent(ciba_flow_auth_req_id);
  }
  /// The whole acknowledgement as JSON, once it is there. Confidential.
  [[nodiscard]] std::optional<std::string_view> acknowledgement() const noexcept {
    return lent(ciba_flow_acknowledgement);
  }
  /// The text that the person compares on the phone, or is told: the request's, or one that the provider has
  /// made.
  [[nodiscard]] std::optional<std::string_view> binding_message() const noexcept {
    return lent(ciba_flow_binding_message);
  }
  /// A link that the person opens to be asked, at providers that ask in a browser.
  [[nodiscard]] std::optional<std::string_view> authentication_uri() const noexcept {
    return lent(ciba_flow_authentication_uri);
  }
  /// When the request expires, once it is acknowledged.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept {
    return detail::time(ciba_flow_expires_at(flow_.get()));
  }
  /// When the next poll is due, if one is.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> next_poll_at() const noexcept {
    return detail::time(ciba_flow_next_poll_at(flow_.get()));
  }
  /// The interval between polls that is in force, once the request is acknowledged.
  [[nodiscard]] std::optional<std::chrono::milliseconds> interval() const noexcept {
    return detail::duration(ciba_flow_interval_ms(flow_.get()));
  }
  /// The trouble that is being waited out, or was waited out last, for example a provider that could not be
  /// reached.
  [[nodiscard]] std::optional<Error> trouble() const noexcept {
    ciba_error *trouble = ciba_flow_trouble(flow_.get());
    return trouble ? std::optional<Error>{std::in_place, ciba_error_status(trouble), trouble} : std::nullopt;
  }
  /// How the flow stands.
  [[nodiscard]] std::optional<Progress> progress() const noexcept {
    std::int64_t expires_in = 0, next_poll_in = 0, polls = 0;
    const std::int32_t stage = ciba_flow_progress(flow_.get(), &expires_in, &next_poll_in, &polls);
    return stage < 0 ? std::nullopt : std::optional<Progress>{told(stage, expires_in, next_poll_in, polls)};
  }

  /// Has a function called by threads that wait in a call of this flow: when something has changed,
  /// and about once a second. It takes the place of the one before; an empty one ends that. If it
  /// throws, the call that it is inside ends, and throws the same; nothing is lost, call again.
  Result<void> on_progress(std::function<void(const Progress &)> function) {
    using Function = std::function<void(const Progress &)>;
    if (!function) {
      return detail::run([&](ciba_error **err) {
        return ciba_flow_on_progress(flow_.get(), nullptr, nullptr, nullptr, err);
      });
    }
    auto userdata = std::make_unique<Function>(std::move(function));
    return detail::run([&](ciba_error **err) {
      return ciba_flow_on_progress(flow_.get(), call_progress, userdata.release(), detail::release<Function>, err);
    });
  }

 private:
  friend class Client;
  template <class T>
  friend class FlowSet;

  explicit Flow(ciba_flow *flow) noexcept : flow_(flow) {}

  /// Makes a call that may call back.
  template <class Call>
  Result<bool> wait(Call call, std::int64_t timeout_ms) {
    auto done = detail::run_until([&](ciba_error **err) { return call(flow_.get(), timeout_ms, err); });
#if !defined(CIBA_NO_EXCEPTIONS)
    detail::rethrow();
#endif
    return done;
  }

  Result<std::optional<Tokens>> tokens_if(Result<bool> done) const {
    if (!done) return std::move(done).error();
    if (!*done) return std::optional<Tokens>{};
    auto tokens = this->tokens();
    if (!tokens) return std::move(tokens).error();
    return std::optional<Tokens>{std::move(*tokens)};
  }

  template <class Lend>
  std::optional<std::string_view> lent(Lend lend) const noexcept {
    std::size_t length = 0;
    const char *text = lend(flow_.get(), &length);
    return detail::optional(text, length);
  }

  static Progress told(std::int32_t stage, std::int64_t expires_in, std::int64_t next_poll_in,
                       std::int64_t polls) noexcept {
    return {static_cast<Stage>(stage), detail::duration(expires_in), detail::duration(next_poll_in), polls};
  }

  static std::int32_t call_progress(void *userdata, std::int32_t stage, std::int64_t expires_in,
                                    std::int64_t next_poll_in, std::int64_t polls) noexcept {
    const auto &function = *static_cast<std::function<void(const Progress &)> *>(userdata);
#if defined(CIBA_NO_EXCEPTIONS)
    function(told(stage, expires_in, next_poll_in, polls));
    return 0;
#else
    try {
      function(told(stage, expires_in, next_poll_in, polls));
      return 0;
    } catch (...) {
      detail::thrown = std::current_exception();
      return 1;
    }
#endif
  }

  detail::Handle<ciba_flow, ciba_free> flow_;
};

// ---- Clients ------------------------------------------------------------------------------------

/// A client of one provider. It may be used from several threads at once.
class Client {
 public:
  /// Makes a client; no request is made. Later changes to the settings do not reach it.
  static Result<Client> create(const Config &config) {
    constexpr int series = CIBA_VERSION_MAJOR > 0 ? 10000 : 100;  // what may differ without harm
    const int loaded = ciba_version_number();
    if (loaded / series != CIBA_VERSION_NUMBER / series || loaded < CIBA_VERSION_NUMBER) {
      return Error(Status::internal, "the libciba that is loaded does not fit ciba.hpp " CIBA_VERSION
                                     ": install that version, or compile with the header of the other");
    }
    ciba_client *client = nullptr;
    auto done = detail::run([&](ciba_error **err) { return ciba_client_new(config.config_.get(), &client, err); });
    if (!done) return std::move(done).error();
    return Client(client);
  }

  /// Fetches the provider's metadata and keys: a trial of the settings, the network and TLS that rings
  /// nobody. It does not try the client's credentials.
  Result<void> check() {
    return detail::run([&](ciba_error **err) { return ciba_client_check(client_.get(), -1, err); });
  }
  /// The same, at most so long. False: it goes on in the background; ask again.
  Result<bool> check(std::chrono::milliseconds timeout) {
    return detail::run_until(
        [&](ciba_error **err) { return ciba_client_check(client_.get(), detail::timeout(timeout), err); });
  }

  /// Starts an authentication and waits for the provider's acknowledgement. The phone then rings.
  Result<Flow> init(const Request &request) { return start(request, -1); }
  /// The same; waits at most so long. The flow comes back also where that is not enough: with zero
  /// it is here at once, and can be cancelled while the request is on its way.
  Result<Flow> init(const Request &request, std::chrono::milliseconds timeout) {
    return start(request, detail::timeout(timeout));
  }

  /// Goes on with a saved flow, of this or another process, machine or version. It sends nothing by
  /// itself. bytes: what SavedFlow::bytes() gave. context: the text that it was saved with.
  Result<Flow> resume(std::string_view bytes, std::string_view context) {
    const detail::Text text(context);
    if (!text.get()) return Error(Status::invalid_value, detail::holds_nul);
    const auto *data = reinterpret_cast<const std::uint8_t *>(bytes.data());
    ciba_flow *flow = nullptr;
    auto done = detail::run([&](ciba_error **err) {
      return ciba_flow_resume(client_.get(), data, bytes.size(), text.get(), &flow, err);
    });
    if (!done) return std::move(done).error();
    return Flow(flow);
  }

  /// Takes a request that has come to the client's notification endpoint, in ping and push mode, from
  /// whatever HTTP server received it. authorization, content_type: these headers, where they are there.
  /// It never waits. Answer with Notification::http_status(), whatever it is.
  Result<Notification> deliver_notification(std::string_view method, std::optional<std::string_view> authorization,
                                            std::optional<std::string_view> content_type, std::string_view body) {
    const detail::Text verb(method), bearer(authorization.value_or("")), type(content_type.value_or(""));
    const auto *data = reinterpret_cast<const std::uint8_t *>(body.data());
    ciba_notification *notification = nullptr;
    auto done = detail::run([&](ciba_error **err) {
      // One that holds NUL is none.
      return ciba_notification_deliver(client_.get(), verb.get() ? verb.get() : "", authorization ? bearer.get() : nullptr,
                                       content_type ? type.get() : nullptr, data, body.size(), &notification, err);
    });
    if (!done) return std::move(done).error();
    return Notification(notification);
  }

  /// Tokens that the program kept, to go on with: refreshed, they are complete again. id_token: the one
  /// that came with them, or with the first of them where a refresh brought none.
  Result<Tokens> restore_tokens(std::string_view refresh_token, std::string_view id_token) {
    const detail::Text refresh(refresh_token), id(id_token);
    if (!refresh.get() || !id.get()) return Error(Status::invalid_value, detail::holds_nul);
    ciba_tokens *tokens = nullptr;
    auto done = detail::run([&](ciba_error **err) {
      const char *kept = id_token.empty() ? nullptr : id.get();
      return ciba_client_restore_tokens(client_.get(), refresh.get(), kept, &tokens, err);
    });
    if (!done) return std::move(done).error();
    return Tokens(tokens);
  }

  /// Refreshes tokens: the fresh ones, of the same person, verified as the first were. Go on with those.
  /// The error REFRESH_UNKNOWN says that the answer was lost: the refresh token may be used up.
  Result<Tokens> refresh(const Tokens &tokens) {
    return whole<Tokens>(refresh_until(tokens, -1));
  }
  /// The same; waits at most so long. Nothing: the exchange goes on; call again with the same tokens.
  Result<std::optional<Tokens>> refresh(const Tokens &tokens, std::chrono::milliseconds timeout) {
    return refresh_until(tokens, detail::timeout(timeout));
  }

  /// Asks the provider about the person; the answer is about the subject of the ID Token.
  Result<Answer> userinfo(const Tokens &tokens) { return whole<Answer>(userinfo_until(tokens, -1)); }
  /// The same; waits at most so long. Nothing: call again with the same tokens for the answer.
  Result<std::optional<Answer>> userinfo(const Tokens &tokens, std::chrono::milliseconds timeout) {
    return userinfo_until(tokens, detail::timeout(timeout));
  }

  /// Asks the provider whether a token is active: the member "active" of the answer is "true" or "false".
  Result<Answer> introspect(const Tokens &tokens, TokenKind kind) {
    return whole<Answer>(introspect_until(tokens, kind, -1));
  }
  /// The same; waits at most so long. Nothing: call again with the same tokens for the answer.
  Result<std::optional<Answer>> introspect(const Tokens &tokens, TokenKind kind,
                                           std::chrono::milliseconds timeout) {
    return introspect_until(tokens, kind, detail::timeout(timeout));
  }

  /// Has the provider revoke a token; one that it does not know is revoked already.
  Result<void> revoke(const Tokens &tokens, TokenKind kind) {
    return detail::run([&](ciba_error **err) {
      return ciba_client_revoke(client_.get(), tokens.tokens_.get(), name(kind), -1, err);
    });
  }
  /// The same; waits at most so long. False: it goes on; call again with the same tokens to learn how it
  /// ended.
  Result<bool> revoke(const Tokens &tokens, TokenKind kind, std::chrono::milliseconds timeout) {
    return detail::run_until([&](ciba_error **err) {
      return ciba_client_revoke(client_.get(), tokens.tokens_.get(), name(kind), detail::timeout(timeout), err);
    });
  }

 private:
  friend class Request;
  template <class T>
  friend class FlowSet;

  static const char *name(TokenKind kind) noexcept {
    return kind == TokenKind::access_token ? "access_token" : "refresh_token";
  }

  Result<std::optional<Tokens>> refresh_until(const Tokens &tokens, std::int64_t timeout) {
    return found<Tokens, ciba_tokens>([&](ciba_tokens **place, ciba_error **err) {
      return ciba_client_refresh(client_.get(), tokens.tokens_.get(), timeout, place, err);
    });
  }
  Result<std::optional<Answer>> userinfo_until(const Tokens &tokens, std::int64_t timeout) {
    return found<Answer, ciba_answer>([&](ciba_answer **place, ciba_error **err) {
      return ciba_client_userinfo(client_.get(), tokens.tokens_.get(), timeout, place, err);
    });
  }
  Result<std::optional<Answer>> introspect_until(const Tokens &tokens, TokenKind kind, std::int64_t timeout) {
    return found<Answer, ciba_answer>([&](ciba_answer **place, ciba_error **err) {
      return ciba_client_introspect(client_.get(), tokens.tokens_.get(), name(kind), timeout, place, err);
    });
  }

  /// What a call hands out, unless its time is up.
  template <class T, class Object, class Call>
  static Result<std::optional<T>> found(Call call) {
    Object *object = nullptr;
    auto done = detail::run_until([&](ciba_error **err) { return call(&object, err); });
    if (!done) return std::move(done).error();
    if (!*done) return std::optional<T>{};
    return std::optional<T>{T(object)};
  }

  /// What a call without an end hands out.
  template <class T>
  static Result<T> whole(Result<std::optional<T>> found) {
    if (!found) return std::move(found).error();
    return std::move(**found);
  }

  explicit Client(ciba_client *client) noexcept : client_(client) {}

  Result<Flow> start(const Request &request, std::int64_t timeout_ms) {
    ciba_flow *started = nullptr;
    auto done = detail::run_until([&](ciba_error **err) {
      return ciba_init(client_.get(), request.request_.get(), timeout_ms, &started, err);
    });
    Flow flow(started);
    if (!done) return std::move(done).error();
    return flow;
  }

  detail::Handle<ciba_client, ciba_client_free> client_;
};

inline Result<void> Request::set_binding_code(const Client &client) {
  return detail::run([&](ciba_error **err) {
    return ciba_request_set_binding_code(request_.get(), client.client_.get(), err);
  });
}

// ---- Sets ---------------------------------------------------------------------------------------

/// Many flows, one waiter: the provider is asked for those in the set, and whoever waits for it is given
/// one after the other that has its outcome, by what the caller knows it by, a T. The flows and the
/// data stay the caller's; a flow that is destroyed leaves the set.
template <class T>
class FlowSet {
 public:
  /// Makes an empty set. It takes flows of other clients too.
  static Result<FlowSet> create(Client &client) {
    ciba_set *set = nullptr;
    auto done = detail::run([&](ciba_error **err) { return ciba_set_new(client.client_.get(), &set, err); });
    if (!done) return std::move(done).error();
    return FlowSet(set);
  }

  /// Adds a flow.
  Result<void> add(const Flow &flow, T &data) {
    return detail::run([&](ciba_error **err) { return ciba_set_add(set_.get(), flow.flow_.get(), &data, err); });
  }

  /// Takes a flow out.
  Result<void> remove(const Flow &flow) {
    return detail::run([&](ciba_error **err) { return ciba_set_remove(set_.get(), flow.flow_.get(), err); });
  }

  /// Waits for the next flow that has its outcome, and takes it out: flow.poll(0ms) then gives it. A
  /// null pointer: wake() ended the wait.
  Result<T *> wait() { return wait_ms(-1); }
  /// The same, at most so long. A null pointer: none in time.
  Result<T *> wait(std::chrono::milliseconds timeout) { return wait_ms(detail::timeout(timeout)); }

  /// Ends the wait of one thread, or the next one.
  Result<void> wake() {
    return detail::run([&](ciba_error **err) { return ciba_set_wake(set_.get(), err); });
  }

  /// Cancels every flow in the set; each is then told of.
  Result<void> cancel() {
    return detail::run([&](ciba_error **err) { return ciba_set_cancel(set_.get(), err); });
  }

  /// How many flows are in the set.
  [[nodiscard]] std::int64_t count() const noexcept { return ciba_set_count(set_.get()); }

  /// A file descriptor that is readable while wait() has something to tell. It belongs to the set.
  Result<int> descriptor() {
    std::int32_t descriptor = -1;
    auto done = detail::run([&](ciba_error **err) { return ciba_set_descriptor(set_.get(), &descriptor, err); });
    if (!done) return std::move(done).error();
    return int{descriptor};
  }

 private:
  explicit FlowSet(ciba_set *set) noexcept : set_(set) {}

  Result<T *> wait_ms(std::int64_t timeout_ms) {
    void *data = nullptr;
    auto done = detail::run_until(
        [&](ciba_error **err) { return ciba_set_wait(set_.get(), timeout_ms, &data, err); });
    if (!done) return std::move(done).error();
    return static_cast<T *>(data);
  }

  detail::Handle<ciba_set, ciba_set_free> set_;
};

}  // namespace CIBA_HPP_KIND
}  // namespace ciba

#undef CIBA_HPP_KIND
#endif  // CIBA_HPP
