// A host that is updated, without systemd: a folder of releases, a cache that serves one
// executable, and lives of the services that follow each other as systemd would start them.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/backend_link/order.h"
#include "libs/identity/identity.h"
#include "libs/net/http_server.h"
#include "services/agent/update_guard.h"
#include "services/agent/updater.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/release_maker.h"

namespace tentacle::agent::testing {

// Each look is seconds later: a probation is over without anybody waiting for it.
class HurryingClock final : public runtime::Clock {
 public:
  explicit HurryingClock(absl::Duration step) : step_(step) {}

  absl::Time Now() const override { return start_ + step_ * looks_++; }

  absl::Time start() const { return start_; }

 private:
  absl::Time start_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration step_;
  mutable std::atomic<int> looks_ = 0;
};

inline std::string ReadBytes(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

inline void WriteExecutable(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  ::chmod(path.c_str(), 0755);
}

inline std::string OldBytes() {
  return "the old release";
}

// Does not repeat, so that a piece in the wrong place is seen.
inline std::string NewBytes() {
  std::string bytes = "the new release\n";
  for (int i = 0; i < 30'000; ++i)
    bytes += std::to_string(i) + "\n";
  return bytes;
}

// What an image's address answers.
struct FakeCache {
  explicit FakeCache(asio::any_io_executor home)
      : server(home, [this](const net::HttpRequest& request) { return Answer(request); }) {
    EXPECT_TRUE(server.Listen("127.0.0.1:0").ok());
    auto run = Serve(*this);
    asio::co_spawn(home, std::move(run), asio::detached);
  }

  static asio::awaitable<void> Serve(FakeCache& self) { co_await self.server.Run(); }

  asio::awaitable<net::HttpReply> Answer(const net::HttpRequest& request) {
    ++requests;
    if (request.path != "/images/4") co_return net::ProblemReply(404, "no such image");
    if (unavailable > 0) {
      --unavailable;
      co_return net::ProblemReply(503, "not yet");
    }
    co_return net::TextReply(200, bytes, "application/octet-stream");
  }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + "/images/";
  }

  net::HttpServer server;
  std::string bytes = NewBytes();
  int unavailable = 0;
  int requests = 0;
};

// The services between two starts.
struct UpdateLife {
  UpdateLife(TestLoop& loop,
             const ReleaseFolder& folder,
             const runtime::Clock& clock,
             std::vector<std::string> roots,
             std::string image_url,
             std::function<bool(const std::string& bytes)> healthy)
      : events(loop.home()), over(loop.home()) {
    slot = folder.Link("current");
    UpdatePlace place{folder, folder.Executable(slot), "tentacle.service", false, "x86_64"};
    const auto run = [this](std::vector<std::string> argv) -> asio::awaitable<absl::Status> {
      commands.push_back(std::move(argv));
      over.cancel();
      co_return restart_status;
    };
    const auto ready = [this, folder, healthy]() -> asio::awaitable<std::set<std::string>> {
      ++looks;
      if (!healthy(ReadBytes(folder.Executable(slot)))) co_return std::set<std::string>{"pxe"};
      co_return std::set<std::string>{"uplink", "pxe"};
    };
    Updater::Times times;
    times.fetch_again = absl::Milliseconds(1);
    times.look_again = absl::Milliseconds(1);
    updater = std::make_shared<Updater>(
        Updater::Parts{
            loop.home(), loop.pool(), clock, runtime::Log("agent", runtime::LogLevel::kError),
            std::make_shared<Metrics>(registry), health, events, std::move(place), run, ready},
        times);
    updater->Configure({true, std::move(roots), std::move(image_url)});
  }

  asio::awaitable<absl::Status> Order(backend_link::ReleaseOffer offer) {
    backend_link::Order order;
    order.type = "update.start";
    order.node_id = "7";
    order.body["update"] = backend_link::ReleaseOfferJson(offer);
    co_return co_await updater->Take(std::move(order));
  }

  // Until systemd is asked for the next start.
  asio::awaitable<bool> RestartAsked() {
    while (commands.empty()) {
      over.expires_at(asio::steady_timer::time_point::max());
      co_await over.async_wait(kTuple);
    }
    co_return true;
  }

  MemoryEvents events;
  asio::steady_timer over;
  prometheus::Registry registry;
  runtime::Health health;
  std::vector<std::vector<std::string>> commands;
  absl::Status restart_status;
  std::string slot;
  int looks = 0;
  std::shared_ptr<Updater> updater;
};

}  // namespace tentacle::agent::testing
