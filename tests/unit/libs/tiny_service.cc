// A service with nothing to do but to say so: an event every 20 ms, through the process that every
// service has. With TINY_BUSY set its pool is busy for ever.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/runtime/service_main.h"

namespace {

namespace asio = boost::asio;
using tentacle::runtime::Host;

asio::awaitable<absl::Status> Run(Host& host) {
  for (int thread = 0; std::getenv("TINY_BUSY") != nullptr && thread < 2; ++thread) {
    asio::post(host.blocking, [] {
      for (;;)
        ::pause();
    });
  }
  asio::steady_timer tick(host.home);
  for (;;) {
    tick.expires_after(std::chrono::milliseconds(20));
    const auto [error] = co_await tick.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return absl::CancelledError("stopped");
    host.events.Publish(tentacle::events::MakeEvent(
        "tiny.tick", "", tentacle::event::v1::PRIORITY_RESULT, "{}", host.clock.Now()));
  }
}

std::string AdminListen(const tentacle::config::v1::TentacleConfig&) {
  return "127.0.0.1:0";
}

}  // namespace

int main(int argc, char** argv) {
  return tentacle::runtime::ServiceMain(std::vector<std::string>(argv + 1, argv + argc),
                                        {"tiny", "A service for tests", &Run, &AdminListen});
}
