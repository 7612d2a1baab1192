#include "services/agent/update_host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/net/http_client.h"
#include "libs/runtime/build_info.h"
#include "services/agent/core/virtualization.h"
#include "services/agent/host_tool.h"
#include "services/agent/root_files.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxPathBytes = 4096;
constexpr unsigned kOk = 200;

std::string OwnExecutable() {
  std::array<char, kMaxPathBytes> path{};
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  return {path.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
}

bool InContainer(const RootFiles& files) {
  return files.Exists("/.dockerenv") || files.Exists("/run/.containerenv") ||
         !ContainerOf(files.ReadOrEmpty("/proc/1/environ")).empty();
}

std::string UnitName() {
  const char* unit =
      std::getenv("TENTACLE_UNIT");  // NOLINT(concurrency-mt-unsafe): nobody sets it.
  return unit == nullptr ? "" : unit;
}

// Of each service the address of /readyz.
using Addresses = std::map<std::string, std::string>;

Addresses AdminAddresses(const config::v1::TentacleConfig& config) {
  return {{"uplink", config.uplink().admin_listen()},
          {"pxe", config.pxe().admin_listen()},
          {"cache", config.cache().admin_listen()},
          {"discovery", config.discovery().admin_listen()},
          {"agent", config.agent().admin_listen()}};
}

std::set<std::string> AskAll(const Addresses& addresses) {
  std::set<std::string> ready;
  for (const auto& [service, address] : addresses) {
    net::ClientRequest request;
    request.url = fmt::format("http://{}/readyz", address);
    request.environment = [](const std::string&) { return std::nullopt; };
    request.connect_timeout = limits::kReadyTimeout;
    request.total_timeout = limits::kReadyTimeout;
    const auto reply = net::Fetch(request);
    if (reply.ok() && reply->status == kOk) ready.insert(service);
  }
  return ready;
}

// A host that goes down slowly has a manager that answers late; the restart is only queued here.
asio::awaitable<absl::Status> RunTool(asio::any_io_executor home,
                                      asio::thread_pool& blocking,
                                      std::vector<std::string> argv) {
  HostTool tool;
  tool.argv = std::move(argv);
  tool.timeout = limits::kToolTimeout;
  const auto printed = co_await RunHostTool(home, blocking, std::move(tool));
  co_return printed.status();
}

asio::awaitable<std::set<std::string>> WhoIsReady(asio::thread_pool& blocking,
                                                  Addresses addresses) {
  auto ask = [addresses = std::move(addresses)] { return AskAll(addresses); };
  co_return co_await async::OnPool(blocking, std::move(ask));
}

}  // namespace

std::shared_ptr<Updater> MakeHostUpdater(runtime::Host& host, std::shared_ptr<Metrics> metrics) {
  const ReleaseFolder folder(host.paths.state_dir + "/releases");
  const UpdatePlace place{folder, OwnExecutable(), UnitName(), InContainer(RootFiles("/")),
                          std::string(runtime::Architecture())};
  const auto run = [home = host.home, &blocking = host.blocking](std::vector<std::string> argv) {
    return RunTool(home, blocking, std::move(argv));
  };
  const auto ready = [&config = host.config, &blocking = host.blocking] {
    return WhoIsReady(blocking, AdminAddresses(config.current()));
  };
  return std::make_shared<Updater>(Updater::Parts{host.home, host.blocking, host.clock, host.log,
                                                  std::move(metrics), host.health, host.events,
                                                  place, run, ready});
}

Updater::Settings UpdateSettings(const config::v1::TentacleConfig& config) {
  const auto& keys = config.agent().update_root_keys();
  return {config.agent().enabled(),
          {keys.begin(), keys.end()},
          fmt::format("http://127.0.0.1:{}/images/", config.cache().http_port())};
}

}  // namespace tentacle::agent
