// Signs a person in, and shows what happens.
//
//   CIBA_CLIENT_SECRET=… sign_in SETTING=VALUE… -- PARAMETER=VALUE…
//
// for example
//
//   sign_in provider=telenor-test client_id=desk-7 -- login_hint=+4799988777
//
// The tables at the head of ciba.h list the settings and the request's parameters. Ctrl-C gives up.
// Exit code: 0 approved, 1 error, 2 denied, 3 expired, 130 given up.
//
// SPDX-License-Identifier: MIT OR Apache-2.0

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include <ciba.hpp>

using namespace std::chrono_literals;

namespace {

enum ExitCode { approved = 0, failed = 1, denied = 2, expired = 3, given_up = 130 };

volatile std::sig_atomic_t give_up = 0;

void on_interrupt(int signal_number) {
  std::signal(signal_number, SIG_DFL);  // a second Ctrl-C ends the program at once
  give_up = 1;                          // all that a signal handler should do; the main loop does the rest
}

void say(std::string_view text) { std::cerr << text << '\n'; }

// Called by poll() when something has changed, and about once a second.
class Display {
 public:
  void operator()(const ciba::Progress &progress) {
    if (progress.stage == ciba::Stage::pending && stage_ < ciba::Stage::pending) {
      say("The phone rings. Ctrl-C gives up.");
    } else if (progress.stage == ciba::Stage::pending && progress.polls > polls_) {
      const auto left = std::chrono::duration_cast<std::chrono::seconds>(progress.expires_in.value_or(0ms));
      std::cerr << "  not yet; " << left.count() << " s left\n";
    } else if (progress.stage == ciba::Stage::verifying && stage_ < ciba::Stage::verifying) {
      say("Answered. The tokens are being verified.");
    }
    stage_ = progress.stage;
    polls_ = progress.polls;
  }

 private:
  ciba::Stage stage_{};
  std::int64_t polls_ = 0;
};

// Sets NAME=VALUE… up to "--" or the end, and returns the word behind it.
template <class Object>
char **set_all(char **words, Object &object) {
  for (; *words && std::string_view(*words) != "--"; ++words) {
    const std::string_view word(*words);
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      throw ciba::Exception(ciba::Error(ciba::Status::missing_argument, "a word is not of the form NAME=VALUE"));
    }
    object.set(word.substr(0, equals), word.substr(equals + 1)).value();
  }
  return *words ? words + 1 : words;
}

// Waits for the person's answer, and gives up when Ctrl-C was pressed.
ciba::Result<std::optional<ciba::Tokens>> wait_for_answer(ciba::Flow &flow) {
  for (;;) {
    auto answer = flow.poll(100ms);  // how long Ctrl-C may go unnoticed
    if (!answer || *answer) return answer;
    if (give_up && !flow.cancel(5s).value_or(false)) {
      say("The provider could not be told: the phone may go on ringing.");
    }
  }
}

// Nothing from outside may steer the terminal.
std::string printable(std::string_view text) {
  std::string shown(text);
  const auto steers = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  std::replace_if(shown.begin(), shown.end(), steers, '?');
  return shown;
}

void print_claims(const ciba::Tokens &tokens) {
  for (const auto &[name, text] : tokens.claims()) {
    std::cout << "  " << std::left << std::setw(23) << printable(name) << ' ' << printable(text) << '\n';
  }
}

int sign_in(ciba::Client client, const ciba::Request &request) {
  // With timeout 0 the flow is here at once: Ctrl-C works while the request is on its way, too.
  ciba::Flow flow = client.init(request, 0ms).value();
  say("The request is sent.");
  flow.on_progress(Display{}).value();
  auto answer = wait_for_answer(flow);
  if (answer) {
    say("Approved. These claims have been verified:");
    print_claims(**answer);
    return approved;
  }
  switch (answer.error().status()) {
    case ciba::Status::denied:
      say("Denied.");
      return denied;
    case ciba::Status::expired:
      say("Nobody answered in time.");
      return expired;
    case ciba::Status::cancelled:
      say("Given up.");
      return given_up;
    default:
      throw ciba::Exception(std::move(answer.error()));
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    say("usage: CIBA_CLIENT_SECRET=... sign_in SETTING=VALUE... -- PARAMETER=VALUE...");
    return failed;
  }
  std::signal(SIGINT, on_interrupt);
  try {
    ciba::Config config;
    ciba::Request request;
    // Others on this machine can read a command line: the secret is better in the environment.
    const char *secret = std::getenv("CIBA_CLIENT_SECRET");
    config.set(ciba::setting::client_secret, secret ? secret : "").value();
    set_all(set_all(argv + 1, config), request);
    return sign_in(ciba::Client::create(config).value(), request);
  } catch (const ciba::Exception &e) {
    std::cerr << "sign_in: " << ciba::status_name(e.status()) << ": " << e.what() << '\n';
    return failed;
  }
}
