// Everything a service is lent by its process. Only service_main builds it and only a wiring file
// sees it.
#pragma once

#include <tentacle/config/v1/config.pb.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <prometheus/registry.h>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/fence.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "libs/store/store.h"

namespace tentacle::rpc {
class Server;
}

namespace tentacle::runtime {

// The configuration in force, and word of its changes. Home thread only.
class ConfigFeed {
 public:
  virtual ~ConfigFeed() = default;
  virtual const config::v1::TentacleConfig& current() const = 0;
  virtual std::uint64_t revision() const = 0;
  // InvalidArgument with the sentence why this cannot be the backend's configuration; changes
  // nothing.
  virtual absl::Status Check(const std::string& remote_json) const = 0;
  // Called after each change on the home thread.
  virtual void OnChange(std::function<void(const config::v1::TentacleConfig&)> callback) = 0;
};

struct Paths {
  std::string state_dir;                                   // /var/lib/octofleet-tentacle
  std::string run_dir;                                     // /run/octofleet-tentacle
  std::string Socket(std::string_view service) const;      // <run_dir>/<service>.sock
  std::string ServiceDir(std::string_view service) const;  // <state_dir>/<service>
  std::string KeyFile() const;                             // <state_dir>/tentacle.key
  std::string ConfigFile() const;                          // <state_dir>/config.yaml
};

struct Host {
  boost::asio::any_io_executor home;  // The service's only thread.
  // Disk, hashing, curl, fork: two threads (libs/async/on_pool.h).
  boost::asio::thread_pool& blocking;
  const Clock& clock;
  Log log;
  prometheus::Registry& registry;
  Health& health;
  rpc::Server& rpc;  // Register gRPC services before the run function first awaits.
  ConfigFeed& config;
  store::Store& store;       // <state_dir>/<service>/db; keys of one's own begin with "<noun>/".
  events::EventLog& events;  // In that store; served by EventService already.
  Paths paths;
  // Called before each scrape of /metrics; null where nobody scrapes (tests).
  std::vector<std::function<void()>>* before_scrape = nullptr;
  // Called first when the process is to stop: answers that are held back until there is something
  // to say go out now, since gRPC waits for them. Null where nothing is served (tests).
  std::vector<std::function<void()>>* before_stop = nullptr;
};

// A service: `run` wires, binds and serves until it is cancelled (SIGTERM) or something it needs
// breaks.
struct ServiceSpec {
  std::string_view name;
  std::string_view about;
  boost::asio::awaitable<absl::Status> (*run)(Host& host);
  // Address of /metrics, /healthz, /readyz from the configuration.
  std::string (*admin_listen)(const config::v1::TentacleConfig& config);
  // What it may touch of the files, by the configuration of this box alone; null: no fence.
  Fence (*fence)(const config::v1::TentacleConfig& config, const Paths& paths) = nullptr;
};

}  // namespace tentacle::runtime
