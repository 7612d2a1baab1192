// Keeps one service at what the backend wants: configuration, for pxe the table of tasks, and the
// commands that wait for it. Pushes what has changed, and everything when the service comes back
// and every 30 s: all of it may be repeated freely.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/uplink/desired_store.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"
#include "services/uplink/signal.h"

namespace tentacle::uplink {

// Home thread only.
class PeerPush {
 public:
  PeerPush(boost::asio::any_io_executor home,
           Service service,
           Peers& peers,
           DesiredStore& desired,
           events::EventLog& events,
           Metrics& metrics,
           const runtime::Clock& clock,
           runtime::Log log);

  // Until cancelled.
  boost::asio::awaitable<absl::Status> Run();

  // What the backend's clock says, if that is known. Before Run().
  void TellTime(std::function<std::optional<absl::Time>()> backend_time) {
    backend_time_ = std::move(backend_time);
  }

  // There is something to push.
  void Notify() { changed_.Notify(); }

  // And what the service was given before may be gone, with it or because we forgot it.
  void Renew() {
    ++renewals_;
    given_.reset();
    Notify();
  }

 private:
  struct Given {
    std::uint64_t config_revision = 0;
    std::uint64_t task_revision = 0;
    bool operator==(const Given&) const = default;
  };

  // False: the service cannot be reached, or our own store refuses; try again soon.
  boost::asio::awaitable<bool> PushAll();
  boost::asio::awaitable<bool> PushTables();
  boost::asio::awaitable<bool> PushConfig();
  // Of pxe; of the others nothing.
  boost::asio::awaitable<bool> PushTasks();
  boost::asio::awaitable<bool> ForgetFinishedTasks();
  boost::asio::awaitable<bool> DeliverCommands();
  boost::asio::awaitable<bool> DropExpired();
  boost::asio::awaitable<bool> Deliver(std::uint64_t sequence, Command command);
  // Reports `event` and forgets the command; false when one of the two cannot be made durable.
  boost::asio::awaitable<bool> Settle(std::uint64_t sequence,
                                      std::optional<event::v1::Event> event);
  boost::asio::awaitable<bool> ReportRefusals(pxe::v1::ReplaceBootTasksResponse response);
  boost::asio::awaitable<bool> Outbid(DesiredStore::Compute compute);
  std::vector<std::uint64_t> Waiting() const;
  // The time that the command has left, however the clock was set meanwhile.
  bool IsExpired(std::uint64_t sequence, const PendingCommand& pending);

  boost::asio::any_io_executor home_;
  Service service_;
  Peers& peers_;
  DesiredStore& desired_;
  events::EventLog& events_;
  Metrics& metrics_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  Signal changed_;
  std::function<std::optional<absl::Time>()> backend_time_ = [] { return std::nullopt; };
  std::optional<Given> given_;  // What the service has, as far as is known.
  std::uint64_t renewals_ = 0;
  std::set<std::string> reported_refusals_;
  std::map<std::uint64_t, absl::Time>
      expiries_;  // Of commands that waited over a restart, by the steady clock.
  std::uint64_t logged_config_revision_ = 0;
};

}  // namespace tentacle::uplink
