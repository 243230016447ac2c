// ciba.hpp against a provider on this machine. Compiled in each language version, with and without
// exceptions; tests/cpp/run says how.
// SPDX-License-Identifier: MIT OR Apache-2.0

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ciba.hpp>

using namespace std::chrono_literals;
using ciba::Status;

// ---- What the types promise ---------------------------------------------------------------------

template <class T>
constexpr bool owns = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                      !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
static_assert(owns<ciba::Config> && owns<ciba::Client> && owns<ciba::Request>);
static_assert(owns<ciba::FlowSet<int>> && owns<ciba::SavedFlow>);
static_assert(owns<ciba::Flow> && owns<ciba::Tokens> && owns<ciba::Answer> && owns<ciba::Error>);
static_assert(owns<ciba::Result<ciba::Flow>> && owns<ciba::Result<std::optional<ciba::Tokens>>>);
static_assert(!owns<int>, "the check can fail");
static_assert(sizeof(ciba::Flow) == sizeof(void *) && sizeof(ciba::Tokens) == sizeof(void *));
static_assert(!std::is_convertible_v<ciba::Result<bool>, bool>, "a result is no bool by accident");
#if defined(__cpp_lib_expected)
static_assert(std::is_base_of_v<std::expected<ciba::Flow, ciba::Error>, ciba::Result<ciba::Flow>>);
#endif
#if defined(__cpp_lib_ranges)
#include <ranges>
static_assert(std::ranges::input_range<ciba::Claims>);
#endif
#if !defined(CIBA_NO_EXCEPTIONS)
static_assert(std::is_nothrow_copy_constructible_v<ciba::Exception>);
#endif

// ---- Checks -------------------------------------------------------------------------------------

static std::atomic<int> failures{0};

static void check(bool holds, const char *what, int line) {
  if (holds) return;
  std::printf("FAIL line %d: %s\n", line, what);
  ++failures;
}
#define CHECK(what) check((what), #what, __LINE__)

// Every text that an error or a log said, to be searched for secrets.
static std::mutex heard_lock;
static std::string heard;

static void hear(std::string_view text) {
  const std::lock_guard<std::mutex> guard(heard_lock);
  heard.append(text).push_back('\n');
}

template <class T>
static Status status_of(const ciba::Result<T> &result) {
  if (result) return Status::ok;
  hear(result.error().message());
  CHECK(!result.error().message().empty());
  return result.error().status();
}

template <class T>
static T must(ciba::Result<T> result, int line) {
  if (!result) {
    std::printf("FAIL line %d: %s\n", line, std::string(result.error().message()).c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}
#define MUST(result) must((result), __LINE__)

// ---- The provider -------------------------------------------------------------------------------

constexpr std::string_view uuid = "8a9856e0-f12d-4217-b320-c8a076be9320";

static std::string fact(const char *name) {
  const char *value = std::getenv((std::string("CIBA_SIM_") + name).c_str());
  return value ? value : "";
}

static ciba::Config new_config() {
  ciba::Config config;
  MUST(config.set({{ciba::setting::provider, "signaturgruppen-test"},
                   {ciba::setting::issuer, fact("ISSUER")},
                   {ciba::setting::client_id, fact("CLIENT_ID")},
                   {ciba::setting::client_secret, fact("CLIENT_SECRET")},
                   {ciba::setting::ca_file, fact("CA_FILE")},
                   {ciba::setting::ca_mode, "replace"}}));
  return config;
}

// At a provider after the specification's own words.
static ciba::Client new_generic_client() {
  ciba::Config config;
  const char *settings = std::getenv("CIBA_GENERIC_SETTINGS");
  MUST(config.set_json(settings ? settings : "{}"));
  return MUST(ciba::Client::create(config));
}

// What the person is told decides what the person does.
static ciba::Request new_request(std::string_view phrase) {
  ciba::Request request;
  MUST(request.set({{ciba::parameter::login_hint_token_uuid, uuid},
                    {ciba::parameter::login_hint_token_ip, "127.0.0.1"},
                    {ciba::parameter::login_hint_token_referenceTextBody, phrase}}));
  return request;
}

static ciba::Client new_client() { return MUST(ciba::Client::create(new_config())); }
static ciba::Flow new_flow(std::string_view phrase) { return MUST(new_client().init(new_request(phrase))); }

// ---- Outcomes -----------------------------------------------------------------------------------

static void approved() {
  ciba::Flow flow = new_flow("approve after 0 s");
  CHECK(flow.outcome() == Status::pending);
  CHECK(flow.auth_req_id() && flow.acknowledgement()->find(*flow.auth_req_id()) != std::string_view::npos);
  CHECK(!flow.binding_message() && !flow.authentication_uri());
  CHECK(flow.interval() == 1000ms);
  CHECK(flow.expires_at() > std::chrono::system_clock::now() && flow.next_poll_at() < flow.expires_at());
  CHECK(flow.progress()->stage == ciba::Stage::pending && flow.progress()->polls == 0);
  CHECK(!flow.trouble());
  CHECK(status_of(flow.tokens()) == Status::no_tokens);
  ciba::Tokens tokens = MUST(flow.poll());
  CHECK(flow.outcome() == Status::ok && flow.progress()->stage == ciba::Stage::ended);

  CHECK(tokens.claim("mitid.uuid") == uuid && tokens.claim("sub")->size() > 0);
  CHECK(tokens.claim_json("mitid.uuid") == std::string("\"").append(uuid).append("\""));
  CHECK(!tokens.claim("no.such") && !tokens.get("no.such") && !tokens.claim({"sub\0x", 5}));
  CHECK(tokens.claim(std::string_view("subject").substr(0, 3)) == tokens.claim("sub"));
  CHECK(tokens.access_token().size() > 20 && tokens.id_token()->find('.') != std::string_view::npos);
  CHECK(tokens.get("token_type") == "Bearer" && !tokens.refresh_token());
  CHECK(tokens.expires_at() > std::chrono::system_clock::now());

  std::size_t count = 0;
  for (const auto &[name, text] : tokens.claims()) {
    CHECK(tokens.claim(name) == text);
    CHECK(tokens.claims_json()->find(std::string("\"").append(name).append("\"")) != std::string_view::npos);
    ++count;
  }
  CHECK(count > 5);

  // Tokens outlive the flow, and the flow hands them out again.
  ciba::Tokens again = MUST(flow.tokens());
  { const ciba::Flow gone = std::move(flow); }
  CHECK(again.claim("sub") == tokens.claim("sub"));
}

static void denied() {
  ciba::Flow flow = new_flow("deny after 0 s");
  auto answer = flow.poll();
  CHECK(status_of(answer) == Status::denied && answer.error().oauth_error() == "access_denied");
  CHECK(answer.error().http_status() == 400 && !answer.error().retry_after());
  CHECK(status_of(flow.poll()) == Status::denied && flow.outcome() == Status::denied);
}

static void expired() {
  ciba::Request request = new_request("never");
  MUST(request.set(ciba::parameter::requested_expiry, "2"));
  ciba::Flow flow = MUST(new_client().init(request));
  CHECK(status_of(flow.poll()) == Status::expired);
}

static void cancelled_from_another_thread() {
  ciba::Flow flow = new_flow("wait");
  std::thread other([&] {
    std::this_thread::sleep_for(100ms);
    CHECK(MUST(flow.cancel(10s)));
  });
  CHECK(status_of(flow.poll()) == Status::cancelled);
  other.join();
  CHECK(MUST(flow.cancel()) && flow.outcome() == Status::cancelled);
}

static void closed_by_another_thread() {
  ciba::Flow flow = new_flow("wait");
  std::thread other([&] {
    std::this_thread::sleep_for(100ms);
    flow.close();
  });
  CHECK(status_of(flow.poll()) == Status::freed);
  other.join();
  CHECK(status_of(flow.poll(0ms)) == Status::freed && status_of(flow.step(1s)) == Status::freed);
  CHECK(flow.outcome() == Status::pending && flow.auth_req_id());
}

static void a_wrong_secret() {
  ciba::Config config = new_config();
  MUST(config.set(ciba::setting::client_secret, "wrong-secret-J2vN8yTq"));
  auto flow = MUST(ciba::Client::create(config)).init(new_request("wait"));
  CHECK(status_of(flow) == Status::invalid_client);
}

static void timeouts() {
  ciba::Client client = new_client();
  MUST(client.check());
  CHECK(MUST(client.check(30s)));
  ciba::Flow flow = MUST(client.init(new_request("approve after 0 s"), 0ms));
  // A deadline that is over is no wait without end.
  CHECK(!MUST(flow.poll(-1ms)) && !MUST(flow.poll(std::chrono::milliseconds::min())) && !MUST(flow.step(0ms)));
  CHECK(!MUST(flow.poll(1ms)));
  CHECK(MUST(flow.poll(std::chrono::milliseconds::max())).has_value());
  CHECK(MUST(flow.step()).has_value() && MUST(flow.step(-5s)).has_value());
}

// ---- Texts --------------------------------------------------------------------------------------

static void views_need_not_end_with_nul() {
  // The correlation comes back in the log: it shows what arrived, around the size that needs no heap.
  for (const std::size_t size : {1u, 118u, 119u, 120u, 121u, 250u}) {
    const std::string whole(300, 'x');
    std::string seen;
    ciba::Config config = new_config();
    MUST(config.set_log(ciba::LogLevel::info, [&](const ciba::LogEvent &event) { seen = event.correlation; }));
    ciba::Request request = new_request("wait");
    auto done = request.set(ciba::parameter::correlation, std::string_view(whole).substr(0, size));
    if (!done) {  // longer than a correlation may be
      CHECK(size > 120 && status_of(done) == Status::invalid_value);
      continue;
    }
    MUST(MUST(ciba::Client::create(config)).init(request));
    CHECK(seen == whole.substr(0, size));
  }
}

static void texts_that_are_refused() {
  ciba::Config config = new_config();
  ciba::Request request;
  auto misspelt = config.set("client_secert", "x");
  CHECK(status_of(misspelt) == Status::unknown_name);
  CHECK(misspelt.error().message().find("client_secret") != std::string_view::npos);
  CHECK(status_of(config.set("client_id", "\xff")) == Status::invalid_utf8);
  CHECK(status_of(config.set("client_secret", std::string_view("planted\0half", 12))) == Status::invalid_value);
  CHECK(status_of(config.set(std::string_view("client_id\0", 10), "x")) == Status::invalid_value);
  CHECK(status_of(request.set_json("{\"scope\": \"openid\"")) == Status::invalid_value);
  CHECK(status_of(request.set_binding_code(new_client())) == Status::invalid_authentication_request);
  CHECK(status_of(request.set_binding_code(new_generic_client())) == Status::ok);
  CHECK(status_of(request.set_json(std::string_view("{}\0", 3))) == Status::invalid_value);
  CHECK(status_of(config.set_json(std::string_view("{\"request_timeout_ms\": 2000}garbage").substr(0, 28))) == Status::ok);
  CHECK(status_of(config.set({{"client_id", "a"}, {"no_such", "b"}, {"client_id", "c"}})) == Status::unknown_name);
  CHECK(status_of(config.set({}, {})) == Status::unknown_name);
  CHECK(status_of(config.set_log(ciba::LogLevel::info, nullptr)) == Status::missing_argument);
  CHECK(status_of(config.set_log(ciba::LogLevel{9}, [](auto &&) {})) == Status::invalid_value);
  CHECK(status_of(ciba::Client::create(ciba::Config{})) == Status::missing_setting);
  CHECK(status_of(new_client().init(ciba::Request{})) == Status::invalid_authentication_request);
}

static void objects_that_were_moved_from_answer() {
  ciba::Config config = new_config();
  ciba::Request request = new_request("wait");
  ciba::Client client = new_client();
  ciba::Flow flow = new_flow("wait");
  const ciba::Config other_config = std::move(config);
  const ciba::Request other_request = std::move(request);
  CHECK(status_of(config.set("client_id", "x")) == Status::missing_argument);
  CHECK(status_of(ciba::Client::create(config)) == Status::missing_argument);
  CHECK(status_of(client.init(request)) == Status::missing_argument);
  const ciba::Client other_client = std::move(client);
  CHECK(status_of(client.init(other_request)) == Status::missing_argument);
  CHECK(status_of(client.check()) == Status::missing_argument);
  const ciba::Flow other_flow = std::move(flow);
  CHECK(status_of(flow.poll()) == Status::missing_argument && status_of(flow.step()) == Status::missing_argument);
  CHECK(status_of(flow.cancel()) == Status::missing_argument && status_of(flow.tokens()) == Status::missing_argument);
  CHECK(flow.outcome() == Status::missing_argument && !flow.auth_req_id() && !flow.expires_at() && !flow.progress());
  CHECK(status_of(flow.on_progress([](auto &&) {})) == Status::missing_argument);
  flow.close();
}

// ---- Callbacks ----------------------------------------------------------------------------------

static void callbacks_live_as_long_as_they_are_needed() {
  auto logged = std::make_shared<int>(0), shown = std::make_shared<int>(0);
  const std::weak_ptr<int> log_alive = logged, progress_alive = shown;
  std::vector<std::string> events;
  {
    std::optional<ciba::Config> config = new_config();
    MUST(config->set_log(ciba::LogLevel::debug, [&events, logged](const ciba::LogEvent &event) {
      ++*logged;
      events.emplace_back(event.event);
      hear(event.text);
      CHECK(event.level >= ciba::LogLevel::error && event.level <= ciba::LogLevel::debug);
      CHECK(event.time > std::chrono::system_clock::time_point{});
    }));
    logged.reset();
    std::optional<ciba::Client> client = MUST(ciba::Client::create(*config));
    config.reset();
    ciba::Flow flow = MUST(client->init(new_request("approve after 0 s")));
    client.reset();
    MUST(flow.on_progress([&flow, shown](const ciba::Progress &progress) {
      ++*shown;
      CHECK(progress.stage == ciba::Stage::pending || progress.stage == ciba::Stage::verifying);
      CHECK(progress.expires_in > 0ms && flow.outcome() == Status::pending);
      CHECK(status_of(flow.poll(0ms)) == Status::in_callback);
    }));
    shown.reset();
    MUST(flow.poll());
    CHECK(*progress_alive.lock() > 0 && *log_alive.lock() > 0);
    MUST(flow.on_progress({}));
    CHECK(progress_alive.expired() && !log_alive.expired());
  }
  CHECK(log_alive.expired());
  CHECK(!events.empty() && events.front() == "start.sent" && events.back() == "flow.approved");
}

static void a_callback_that_is_refused_is_released() {
  auto kept = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = kept;
  ciba::Config config;
  CHECK(status_of(config.set_log(ciba::LogLevel{9}, [kept](auto &&) {})) == Status::invalid_value);
  kept.reset();
  CHECK(alive.expired());
}

static ciba::Config signed_config(
    std::function<std::optional<std::vector<std::uint8_t>>(const ciba::SigningInput &)> signer) {
  ciba::Config config = new_config();
  MUST(config.set({{"token_endpoint_auth_method", "private_key_jwt"},
                   {"token_endpoint_auth_signing_alg", "ES256"},
                   {"client_key_id", "card 1"}}));
  MUST(config.set_signer(std::move(signer)));
  return config;
}

static void a_signer_signs_on_the_thread_that_waits() {
  auto kept = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = kept;
  std::size_t length = 64;
  {
    ciba::Client client = MUST(ciba::Client::create(signed_config([&, kept](const ciba::SigningInput &input) {
      ++*kept;
      CHECK(input.algorithm == "ES256" && input.key_id == "card 1" && input.size > 100);
      return std::optional(std::vector<std::uint8_t>(length, 7));
    })));
    kept.reset();
    // Made by a key that the provider does not know.
    CHECK(status_of(client.init(new_request("approve after 0 s"))) == Status::invalid_client);
    for (const std::size_t wrong : {std::size_t{0}, std::size_t{70}, std::size_t{5000}}) {
      length = wrong;
      CHECK(status_of(client.init(new_request("approve after 0 s"))) == Status::signer_failed);
    }
    CHECK(*alive.lock() == 4);
  }
  CHECK(alive.expired());
  ciba::Client unable = MUST(ciba::Client::create(signed_config([](auto &&) { return std::nullopt; })));
  CHECK(status_of(unable.init(new_request("approve after 0 s"))) == Status::signer_failed);
  CHECK(status_of(ciba::Config().set_signer(nullptr)) == Status::missing_argument);
}

#if !defined(CIBA_NO_EXCEPTIONS)

struct Planted {};

static void what_a_signer_throws_fails_the_start() {
  ciba::Client client = MUST(ciba::Client::create(
      signed_config([](auto &&) -> std::optional<std::vector<std::uint8_t>> { throw Planted{}; })));
  CHECK(status_of(client.init(new_request("approve after 0 s"))) == Status::signer_failed);
}

static void what_a_callback_throws_comes_out_of_the_call() {
  ciba::Config config = new_config();
  MUST(config.set_log(ciba::LogLevel::debug, [](auto &&) { throw Planted{}; }));  // ends nothing
  ciba::Flow flow = MUST(MUST(ciba::Client::create(config)).init(new_request("approve after 0 s")));
  MUST(flow.on_progress([](auto &&) { throw Planted{}; }));
  bool thrown = false;
  try {
    (void)flow.poll();
  } catch (const Planted &) {
    thrown = true;
  }
  CHECK(thrown && flow.outcome() == Status::pending);
  MUST(flow.on_progress({}));
  CHECK(MUST(flow.poll()).claim("sub").has_value());  // nothing was lost
}

static void value_throws_an_exception_with_the_details() {
  bool thrown = false;
  try {
    new_flow("fail vendor.code_7 after 0 s").poll().value();
  } catch (const std::exception &e) {
    const auto copy = dynamic_cast<const ciba::Exception &>(e);
    hear(copy.what());
    CHECK(copy.status() == Status::provider_error && copy.error().oauth_error() == "vendor.code_7");
    CHECK(copy.error().message() == copy.what());
    thrown = true;
  }
  CHECK(thrown);
  auto result = ciba::Config{}.set("no_such", "x");
  thrown = false;
  try {
    result.value();
  } catch (const ciba::Exception &e) {
    thrown = e.status() == Status::unknown_name;
  }
  CHECK(thrown);
  CHECK(ciba::Client::create(new_config()).value().init(new_request("wait")).value().outcome() == Status::pending);
  ciba::Result<bool> good{true};
  CHECK(good.value() && *good && good.has_value());
}

#endif

// ---- Sets and saved flows -----------------------------------------------------------------------

static void a_set_tells_of_each_flow_once() {
  struct Desk {
    Status expected;
    std::optional<ciba::Flow> flow;
  };
  Desk desks[] = {{Status::ok, new_flow("approve after 0 s")}, {Status::denied, new_flow("deny after 0 s")}};
  ciba::Client client = new_client();
  auto set = MUST(ciba::FlowSet<Desk>::create(client));
  for (Desk &desk : desks) MUST(set.add(*desk.flow, desk));
  CHECK(status_of(set.add(*desks[0].flow, desks[0])) == Status::in_set);
  CHECK(set.count() == 2 && MUST(set.wait(0ms)) == nullptr && MUST(set.descriptor()) > 2);
  MUST(set.wake());
  CHECK(MUST(set.wait()) == nullptr);
  for (int told = 0; told < 2; ++told) {
    Desk *desk = MUST(set.wait());
    CHECK(desk->flow->outcome() == desk->expected && status_of(desk->flow->poll(0ms)) == desk->expected);
    desk->flow.reset();
  }
  CHECK(!desks[0].flow && !desks[1].flow && set.count() == 0);

  Desk waiting{Status::cancelled, new_flow("wait")}, removed{Status::pending, new_flow("wait")};
  MUST(set.add(*removed.flow, removed));
  MUST(set.remove(*removed.flow));
  CHECK(status_of(set.remove(*removed.flow)) == Status::not_present);
  MUST(set.add(*waiting.flow, waiting));
  MUST(set.cancel());
  CHECK(MUST(set.wait(10s)) == &waiting && waiting.flow->outcome() == Status::cancelled);
}

static void a_saved_flow_goes_on_elsewhere() {
  ciba::Config config = new_config();
  MUST(config.set(ciba::setting::saved_flow_keys, "2026:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
  ciba::Client client = MUST(ciba::Client::create(config));
  ciba::Flow flow = MUST(client.init(new_request("approve after 0 s")));
  const std::string first(MUST(flow.checkpoint("row 7")).bytes());
  CHECK(first.size() > 20 && flow.revision() == 1 && flow.outcome() == Status::pending);
  auto saved = MUST(flow.hand_over("row 7", 10s));
  CHECK(saved && saved->revision() == 2 && status_of(flow.poll(0ms)) == Status::handed_over);
  CHECK(status_of(flow.checkpoint("row 7")) == Status::not_saveable);
  CHECK(status_of(client.resume(saved->bytes(), "row 8")) == Status::saved_flow_context);
  CHECK(status_of(client.resume(saved->bytes().substr(0, 9), "row 7")) == Status::saved_flow_malformed);
  CHECK(status_of(client.resume({}, {})) != Status::ok);
  CHECK(status_of(client.resume(first, {"row\0", 4})) == Status::invalid_value);
  CHECK(status_of(new_flow("wait").checkpoint("row 7")) == Status::missing_setting);
  CHECK(MUST(MUST(client.resume(saved->bytes(), "row 7")).poll()).claim("mitid.uuid") == uuid);
}

static void what_is_done_with_tokens() {
  ciba::Client client = new_generic_client();
  ciba::Request request;
  MUST(request.set({{"login_hint", "alice"},
                    {"scope", "openid offline_access"},
                    {"binding_message", "approve after 0 s"}}));
  const ciba::Tokens tokens = MUST(MUST(client.init(request)).poll());

  const ciba::Answer person = MUST(client.userinfo(tokens));
  CHECK(person.get("sub") == "alice" && !person.get("no.such") && !person.get({"sub\0x", 5}));
  CHECK(person.json().find("alice") != std::string_view::npos);
  CHECK(MUST(client.introspect(tokens, ciba::TokenKind::access_token)).get("active") == "true");

  // Time that is up loses nothing.
  auto fresh = MUST(client.refresh(tokens, 0ms));
  CHECK(!fresh);
  while (!fresh) fresh = MUST(client.refresh(tokens, 10ms));
  CHECK(fresh->claim("sub") == "alice" && fresh->access_token() != tokens.access_token());
  CHECK(MUST(client.refresh(tokens)).access_token() == fresh->access_token());
  const ciba::Tokens kept = MUST(client.restore_tokens(*fresh->refresh_token(), *fresh->id_token()));
  CHECK(kept.access_token().empty() && kept.refresh_token() == fresh->refresh_token());
  CHECK(status_of(client.restore_tokens(*fresh->refresh_token(), {})) == Status::missing_argument);
  CHECK(status_of(client.userinfo(kept)) == Status::not_present);
  const ciba::Tokens last = MUST(client.refresh(kept));

  CHECK(!MUST(client.revoke(last, ciba::TokenKind::refresh_token, 0ms)));
  while (!MUST(client.revoke(last, ciba::TokenKind::refresh_token, 10ms))) continue;
  MUST(client.revoke(last, ciba::TokenKind::refresh_token));
  CHECK(status_of(client.refresh(last)) == Status::invalid_grant);
  CHECK(status_of(client.userinfo(last)) == Status::invalid_token);
  std::optional<ciba::Answer> gone;
  while (!gone) gone = MUST(client.introspect(last, ciba::TokenKind::refresh_token, 10ms));
  CHECK(gone->get("active") == "false");
  ciba::Answer moved = std::move(*gone);
  CHECK(!gone->get("active") && gone->json().empty() && moved.get("active"));
  CHECK(status_of(new_client().refresh(tokens)) == Status::other_client);
}

// ---- The rest -----------------------------------------------------------------------------------

static void names_and_version() {
  CHECK(ciba::version() == CIBA_VERSION);
  CHECK(ciba::status_name(Status::denied) == "CIBA_DENIED" && ciba::status_text(Status::denied) == "the person denied");
  CHECK(ciba::status_name(Status{4711}) == "?");
  const ciba::Error error(Status::denied);
  CHECK(error.message() == "the person denied" && !error.oauth_error() && !error.http_status());
}

static void no_text_holds_a_secret() {
  const std::string secret = fact("CLIENT_SECRET");
  const auto given_away = [&](std::string_view text) {
    const auto holds = [&](std::string_view what) { return text.find(what) != std::string_view::npos; };
    return holds(secret) || holds(uuid) || holds("wrong-secret-J2vN8yTq") || holds("planted") || holds("eyJ");
  };
  CHECK(secret.size() > 8 && heard.size() > 500);
  CHECK(!given_away(heard));
  CHECK(given_away(heard + secret) && given_away("x eyJhbGciOi"));
}

int main() {
  using Test = void (*)();
  const Test tests[] = {
      approved, denied, expired, cancelled_from_another_thread, closed_by_another_thread, a_wrong_secret, timeouts,
      views_need_not_end_with_nul, texts_that_are_refused, objects_that_were_moved_from_answer,
      a_set_tells_of_each_flow_once, a_saved_flow_goes_on_elsewhere, what_is_done_with_tokens, callbacks_live_as_long_as_they_are_needed,
      a_callback_that_is_refused_is_released, a_signer_signs_on_the_thread_that_waits, names_and_version,
#if !defined(CIBA_NO_EXCEPTIONS)
      what_a_signer_throws_fails_the_start, what_a_callback_throws_comes_out_of_the_call, value_throws_an_exception_with_the_details,
#endif
  };
  std::vector<std::thread> threads;
  for (const Test test : tests) threads.emplace_back(test);
  for (std::thread &thread : threads) thread.join();
  no_text_holds_a_secret();
  std::printf("%zu tests, %d failed checks\n", std::size(tests) + 1, failures.load());
  return failures ? 1 : 0;
}
