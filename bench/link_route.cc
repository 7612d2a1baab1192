// How long a command takes through uplink, for bench/link.sh: a backend and a discovery service in
// this process, the real uplink between them in its own, over loopback and Unix sockets.
//
//   link_route OCTOFLEET_TENTACLE COMMANDS
//
// Prints "route P50 P99 MAX" in milliseconds, from the frame's writing to the service's handler,
// which includes that uplink has made the command durable; and beside it what the two parts of that
// cost alone: "sync" (a synced write of the same store) and "call" (the bare gRPC call).
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "libs/identity/identity.h"
#include "libs/rpc/call.h"
#include "libs/store/store.h"
#include "tests/rpc/fake_backend.h"
#include "tests/rpc/fake_services.h"
#include "tests/support/child.h"

namespace tentacle::bench {
namespace {

using Clock = std::chrono::steady_clock;
// A quiet line: a command is through before the next one comes.
constexpr auto kPause = std::chrono::milliseconds(10);

double Milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

void Print(const char* name, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double part) {
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(values.size())))];
  };
  std::cout << fmt::format("{} {:.3f} {:.3f} {:.3f}\n", name, at(0.5), at(0.99), at(1))
            << std::flush;
}

class Route {
 public:
  Route(std::filesystem::path folder, const std::string& program)
      : folder_(std::move(folder)),
        key_(*identity::IdentityKey::Generate()),
        backend_(loop_, key_.PublicKeyBase64()),
        discovery_(loop_, blocking_, "discovery", folder_, told_) {
    std::ofstream(folder_ / "config.yaml") << fmt::format(
        "backend:\n  url: {}\nnode:\n  id: node-1\nuplink:\n  admin_listen: 127.0.0.1:0\n",
        backend_.Url());
    if (!key_.Save(folder_ / "tentacle.key").ok()) std::abort();
    ::setenv("TENTACLE_STATE_DIR", folder_.c_str(),
             1);  // NOLINT(concurrency-mt-unsafe): no thread reads it here.
    ::setenv("TENTACLE_RUN_DIR", folder_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    uplink_ = std::make_unique<testing::Child>(std::vector<std::string>{program, "uplink"});
  }

  bool Measure(int commands) {
    if (!loop_.RunUntil("uplink is there", [this] { return backend_.Count("status") > 0; }))
      return false;
    std::vector<double> route;
    for (int i = 0; i < commands; ++i) {
      std::this_thread::sleep_for(kPause);
      const std::size_t before = told_.scans.size();
      const auto began = Clock::now();
      backend_.Send(
          fmt::format(R"({{"type":"scan.start","id":"m{}","commandId":"cmd-{}"}})", i, i));
      if (!loop_.RunUntil("the handler", [&] { return told_.scans.size() > before; })) return false;
      route.push_back(Milliseconds(began));
    }
    Print("route", std::move(route));
    return true;
  }

  void MeasureCall(int calls) {
    const auto stub =
        discovery::v1::DiscoveryService::NewStub(rpc::Dial((folder_ / "discovery.sock").string()));
    using Stub = discovery::v1::DiscoveryService::StubInterface::async_interface;
    std::vector<double> values;
    for (int i = 0; i < calls; ++i) {
      std::this_thread::sleep_for(kPause);
      const std::size_t before = told_.scans.size();
      const auto began = Clock::now();
      auto call =
          rpc::Call<Stub, discovery::v1::StartScanRequest, discovery::v1::StartScanResponse>(
              stub->async(), &Stub::StartScan, {}, absl::Seconds(5));
      static_cast<void>(loop_.Await(std::move(call)));
      if (told_.scans.size() > before) values.push_back(Milliseconds(began));
    }
    Print("call", std::move(values));
  }

  void MeasureSync(int writes) {
    const auto store = *store::Store::Open((folder_ / "alone").string());
    std::vector<double> values;
    for (int i = 0; i < writes; ++i) {
      std::this_thread::sleep_for(kPause);
      const auto began = Clock::now();
      if (!store->Apply({{fmt::format("command/{}", i), std::string(200, 'x')}}).ok()) std::abort();
      values.push_back(Milliseconds(began));
    }
    Print("sync", std::move(values));
  }

 private:
  std::filesystem::path folder_;
  testing::Loop loop_;
  boost::asio::thread_pool blocking_{2};
  testing::Told told_;
  identity::IdentityKey key_;
  testing::FakeBackend backend_;
  testing::FakeService discovery_;
  std::unique_ptr<testing::Child> uplink_;
};

int Main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "link_route OCTOFLEET_TENTACLE COMMANDS\n";
    return 64;
  }
  // Where a tentacle has its state: on a disk, not on a tmpfs, or a synced write would cost
  // nothing.
  char pattern[] = "/var/tmp/link-route.XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern);
  bool measured = false;
  {
    Route route(folder, argv[1]);
    const int commands = std::atoi(argv[2]);
    measured = route.Measure(commands);
    if (measured) {
      route.MeasureCall(commands);
      route.MeasureSync(commands);
    }
  }
  std::filesystem::remove_all(folder);
  return measured ? 0 : 1;
}

}  // namespace
}  // namespace tentacle::bench

int main(int argc, char** argv) {
  return tentacle::bench::Main(argc, argv);
}
