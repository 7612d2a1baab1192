// Does what a message of the backend says: makes it durable, tells whoever pushes it on.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "libs/backend_link/messages.h"
#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/host.h"
#include "libs/runtime/log.h"
#include "services/uplink/core/routing.h"
#include "services/uplink/desired_store.h"
#include "services/uplink/metrics.h"

namespace tentacle::uplink {

// Home thread only; one message at a time.
class Inbox {
 public:
  Inbox(DesiredStore& desired,
        events::EventLog& events,
        const runtime::ConfigFeed& config,
        Metrics& metrics,
        const runtime::Clock& clock,
        runtime::Log log);

  // Called for each service that has something new to be pushed.
  void OnChange(std::function<void(Service)> callback) { on_change_ = std::move(callback); }

  // True: the message is settled and may be acknowledged. False: our store refused, the backend
  // shall repeat it. Must not be cancelled in between (Shield it).
  boost::asio::awaitable<bool> Take(backend_link::Message message, std::vector<Action> actions);

 private:
  // What one message amounts to.
  struct Plan {
    DesiredStore::Compute compute;
    std::optional<DesiredStore::NewCommand> command;
    std::vector<RefusedTask> refused;
    std::optional<event::v1::Event> report;  // Before the message counts as taken.
  };

  Plan MakePlan(const backend_link::Message& message, std::vector<Action> actions);
  void PlanConfig(UpdateConfigAction update, Plan& plan);
  void PlanCommand(const backend_link::Message& message, Command command, Plan& plan);
  boost::asio::awaitable<bool> Report(event::v1::Event event);
  boost::asio::awaitable<bool> ReportRefused(std::vector<RefusedTask> refused);
  void NotifyPushers(const DesiredChange& change);
  void NoteUnknown(const std::string& type);

  DesiredStore& desired_;
  events::EventLog& events_;
  const runtime::ConfigFeed& config_;
  Metrics& metrics_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  std::function<void(Service)> on_change_;
  std::set<std::string> logged_types_;
};

}  // namespace tentacle::uplink
