// Notifications that come over HTTP to a program in C++: the provider sends, the journal is the oracle.
// SPDX-License-Identifier: MIT OR Apache-2.0

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

#include "provider.hpp"

using ciba::NotificationKind;
using ciba::Status;
using namespace std::chrono_literals;

// The interval is longer than this: tokens that are there before are the notification's doing.
constexpr auto patience = 60s;

struct Delivered {
  Status status;
  int http_status;
  std::optional<NotificationKind> kind;
  std::string auth_req_id;
};

static Delivered deliver(ciba::Client &client, std::string_view method, std::optional<std::string_view> authorization,
                         std::optional<std::string_view> content_type, std::string_view body) {
  auto told = client.deliver_notification(method, authorization, content_type, body);
  if (!CHECK(told)) return {};
  return {told->status(), told->http_status(), told->kind(), std::string(told->auth_req_id().value_or(""))};
}

// The notification endpoint: one request for each connection, given to the client, answered as that says.
class Endpoint {
 public:
  explicit Endpoint(ciba::Client &client) : client_(client), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int yes = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(fact("notification_port"))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    CHECK(bind(listener_, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 && listen(listener_, 8) == 0);
    thread_ = std::thread([this] {
      for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0; close(connection)) answer(connection);
    });
  }
  ~Endpoint() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  // What has come since the last call.
  std::vector<Delivered> delivered() {
    const std::lock_guard<std::mutex> guard(lock_);
    return std::exchange(delivered_, {});
  }

 private:
  static std::optional<std::string> header(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = head.substr(at + name.size());
    return std::string(rest.substr(0, rest.find("\r\n")));
  }

  void answer(int connection) {
    std::string got;
    std::size_t body = std::string::npos, whole = 0;
    char piece[4096];
    while (body == std::string::npos || got.size() < whole) {
      const ssize_t size = recv(connection, piece, sizeof piece, 0);
      if (size <= 0) return;
      got.append(piece, static_cast<std::size_t>(size));
      if (body == std::string::npos && (body = got.find("\r\n\r\n")) != std::string::npos) {
        body += 4;
        const std::string length = header(std::string_view(got).substr(0, body), "content-length: ").value_or("0");
        whole = body + static_cast<std::size_t>(std::atol(length.c_str()));
      }
    }
    const std::string_view head = std::string_view(got).substr(0, body);
    const Delivered told = deliver(client_, head.substr(0, head.find(' ')), header(head, "authorization: "),
                                   header(head, "content-type: "), std::string_view(got).substr(body));
    {
      const std::lock_guard<std::mutex> guard(lock_);
      delivered_.push_back(told);
    }
    const std::string answer =
        "HTTP/1.1 " + std::to_string(told.http_status) + " x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    CHECK(send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size()));
  }

  ciba::Client &client_;
  int listener_;
  std::mutex lock_;
  std::vector<Delivered> delivered_;
  std::thread thread_;
};

static std::optional<ciba::Client> new_client(const std::string &mode) {
  ciba::Config config = generic_config(mode + "-desk");
  const std::string endpoint = std::string("http://127.0.0.1:") + fact("notification_port") + "/" + mode;
  CHECK(config.set({{"client_secret", "a secret of the desk"},
                    {"allow_http_loopback", "true"},
                    {"backchannel_token_delivery_mode", mode},
                    {"backchannel_client_notification_endpoint", endpoint}}));
  return client_of(config);
}

// A client, its endpoint, and a flow that the provider has acknowledged, with the journal empty until then.
struct Begun {
  Begun(const std::string &mode, std::string_view phrase, bool by_hand = false)
      : client(new_client(mode)), endpoint(*client) {
    told("POST /notices", by_hand ? R"({"times": 0})" : "{}");
    tell("DELETE /journal", nullptr);
    auto made = client->init(request_for(phrase));
    if (CHECK(made)) flow = *std::move(made);
  }
  Status outcome() {
    auto answer = flow->poll(patience);
    return answer ? (*answer ? Status::ok : Status::pending) : answer.error().status();
  }
  void check_requests(const std::string &after_the_start) {
    const std::string started =
        "GET /.well-known/openid-configuration -> 200 discovery\nPOST /bc-authorize -> 200 ack\n"
        "GET /jwks -> 200 jwks\n";
    // The answer to the provider may be on its way still when the tokens are there.
    const auto until = now_us() + PATIENCE_MS * 1000;
    while (requests("(open)") > 0 && now_us() < until) sleep_ms(5);
    check_journal((started + after_the_start).c_str());
  }

  std::optional<ciba::Client> client;
  Endpoint endpoint;
  std::optional<ciba::Flow> flow;
};

static void a_ping_wakes_a_waiting_flow() {
  const struct {
    const char *phrase, *fetched;
    Status outcome;
  } cases[] = {{"approve after 500 ms", "200 tokens", Status::ok}, {"deny after 500 ms", "400 access_denied", Status::denied}};
  for (const auto &[phrase, fetched, outcome] : cases) {
    Begun begun("ping", phrase);
    CHECK(begun.outcome() == outcome);
    begun.check_requests(std::string("POST /ping -> 204 ping\nPOST /token -> ") + fetched + "\n");
    const auto delivered = begun.endpoint.delivered();
    CHECK(delivered.size() == 1 && delivered[0].kind == NotificationKind::ping);
    CHECK(delivered.size() == 1 && delivered[0].auth_req_id == begun.flow->auth_req_id());
  }
}

static void one_wrong_fact_is_refused_and_the_good_twin_wakes_the_flow() {
  Begun begun("ping", "approve after 0 s", true);
  const std::string good = told("POST /notice");
  const struct {
    const char *what, *with;
    int http_status;
    Status status;
  } cases[] = {
      {"\"Bearer ", "\"Bearer x", 401, Status::notification_unknown_flow},
      {"\"Bearer ", "\"Basic ", 401, Status::notification_unauthorized},
      {"\\\"auth_req_id\\\":\\\"", "\\\"auth_req_id\\\":\\\"x", 401, Status::notification_other_request},
      {"\\\"auth_req_id\\\"", "\\\"auth_req\\\"", 400, Status::notification_malformed},
      {"application/json", "text/json", 415, Status::notification_malformed},
      {"\"POST\"", "\"PUT\"", 405, Status::notification_malformed},
      {"\\\"}", "\\\",\\\"access_token\\\":\\\"t\\\"}", 400, Status::notification_wrong_mode},
  };
  const auto sent = [&](const std::string &notice) {
    told("POST /send", "{\"notice\": " + notice + "}");
    auto delivered = begun.endpoint.delivered();
    CHECK_NUMBER(1, static_cast<std::int64_t>(delivered.size()));
    return delivered.empty() ? Delivered{} : delivered[0];
  };
  std::string journal;
  for (const auto &[what, with, http_status, status] : cases) {
    const Delivered answer = sent(replaced(good, what, with));
    CHECK_STATUS(static_cast<ciba_status>(status), static_cast<ciba_status>(answer.status));
    CHECK_NUMBER(http_status, answer.http_status);
    const char *method = std::string_view(with) == "\"PUT\"" ? "PUT" : "POST";
    journal += std::string(method) + " /ping -> " + std::to_string(http_status) + " ping\n";
  }
  auto waiting = begun.flow->poll(0ms);
  CHECK(waiting && !*waiting);
  begun.check_requests(journal);  // nothing was fetched
  const Delivered answer = sent(good);
  CHECK(answer.status == Status::ok && answer.http_status == 204);
  CHECK(begun.outcome() == Status::ok);
  begun.check_requests(journal + "POST /ping -> 204 ping\nPOST /token -> 200 tokens\n");
}

static void a_flow_that_is_not_here_is_told_with_its_identifier() {
  Begun begun("ping", "approve after 0 s", true);
  auto elsewhere = new_client("ping");
  const std::string notice = told("POST /notice"), id(begun.flow->auth_req_id().value_or("?"));
  const std::size_t from = notice.find("Bearer ");
  const std::string bearer = notice.substr(from, notice.find('"', from) - from);
  const std::string body = "{\"auth_req_id\": \"" + id + "\"}";
  const Delivered unknown = deliver(*elsewhere, "POST", bearer, "application/json", body);
  CHECK(unknown.status == Status::notification_unknown_flow && unknown.http_status == 401);
  CHECK(unknown.auth_req_id == id && unknown.kind == NotificationKind::ping);
  // Where it is, the very same is taken.
  const Delivered taken = deliver(*begun.client, "POST", bearer, "application/json", body);
  CHECK(taken.status == Status::ok && taken.http_status == 204 && taken.auth_req_id == id);
  CHECK(begun.outcome() == Status::ok);
  begun.check_requests("POST /token -> 200 tokens\n");
  const Delivered none = deliver(*begun.client, "POST", std::nullopt, std::nullopt, {});
  CHECK(!none.kind && none.auth_req_id.empty() && none.http_status >= 400);
}

static void pushed_tokens_end_a_flow_and_nothing_is_fetched() {
  Begun begun("push", "approve after 500 ms");
  auto tokens = begun.flow->poll(patience);
  CHECK(tokens && *tokens && (*tokens)->claim("sub") == "alice" && !(*tokens)->access_token().empty());
  begun.check_requests("POST /push -> 204 push\n");
  const auto delivered = begun.endpoint.delivered();
  CHECK(delivered.size() == 1 && delivered[0].kind == NotificationKind::tokens);
}

static void pushed_tokens_with_one_character_changed_are_not_taken() {
  Begun begun("push", "approve after 0 s", true);
  const std::string notice = told("POST /notice");
  told("POST /send", "{\"notice\": " + replaced(notice, "\\\"access_token\\\":\\\"", "\\\"access_token\\\":\\\"x") + "}");
  CHECK(begun.outcome() == Status::token_access_token_hash);
  begun.check_requests("POST /push -> 204 push\n");
}

static void a_pushed_error_is_the_outcome() {
  Begun begun("push", "deny after 500 ms");
  CHECK(begun.outcome() == Status::denied);
  begun.check_requests("POST /push -> 204 push_error\n");
  const auto delivered = begun.endpoint.delivered();
  CHECK(delivered.size() == 1 && delivered[0].kind == NotificationKind::error);
}

static const struct test tests[] = {
    {"a ping wakes a waiting flow, whatever was decided", a_ping_wakes_a_waiting_flow},
    {"one wrong fact is refused; the good twin wakes the flow", one_wrong_fact_is_refused_and_the_good_twin_wakes_the_flow},
    {"a flow that is not here is told with its identifier", a_flow_that_is_not_here_is_told_with_its_identifier},
    {"pushed tokens end a flow, and nothing is fetched", pushed_tokens_end_a_flow_and_nothing_is_fetched},
    {"pushed tokens with one character changed are not taken", pushed_tokens_with_one_character_changed_are_not_taken},
    {"a pushed error is the outcome", a_pushed_error_is_the_outcome},
};

int main() { return RUN(tests); }
