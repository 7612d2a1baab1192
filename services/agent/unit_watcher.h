// Looks at the watched units, tells what has changed and starts what shall be started again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "services/agent/core/unit_watch.h"
#include "services/agent/host_space.h"

namespace tentacle::agent {

// Home thread. Made by make_shared.
class UnitWatcher : public std::enable_shared_from_this<UnitWatcher> {
 public:
  struct Settings {
    std::vector<std::string> units;  // As config.yaml has them.
    std::vector<std::string> systemctl = {"/usr/bin/systemctl"};
    HostSpacePtr host;  // Whose units they are; null: where the agent is.
    absl::Duration interval = absl::Seconds(30);
  };

  UnitWatcher(boost::asio::any_io_executor home,
              boost::asio::thread_pool& blocking,
              const runtime::Clock& clock,
              runtime::Log log,
              runtime::Health& health,
              events::EventLog& events);

  void Configure(Settings settings);
  void Start();
  void Stop();

 private:
  static boost::asio::awaitable<void> Loop(std::shared_ptr<UnitWatcher> self);
  boost::asio::awaitable<void> Look();
  boost::asio::awaitable<void> StartUnit(std::string unit);

  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  runtime::Health& health_;
  events::EventLog& events_;
  Settings settings_;
  std::vector<WatchedUnit> units_;
  UnitWatch watch_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
};

}  // namespace tentacle::agent
