#include <cstdlib>
#include <iostream>

#include <ciba.hpp>

int main() try {
  // {"provider": "telenor-test", "client_id": "desk-7", "client_secret": "…"}
  ciba::Config config;
  if (const char *settings = std::getenv("CIBA_SETTINGS"))
    config.set_json(settings).value();
  auto client = ciba::Client::create(config).value();

  ciba::Request request;
  request.set("login_hint", "+4799988791").value();
  auto flow = client.init(request).value();  // the phone rings
  auto tokens = flow.poll().value();         // the person approves
  std::cout << "Hello " << tokens.claim("given_name").value_or("") << '\n';
} catch (const ciba::Exception &e) {
  std::cerr << e.what() << '\n';
  return 1;
}
