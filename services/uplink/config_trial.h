// Watches a configuration that is on trial: has the connection made anew, confirms the
// configuration when one stands, and puts the one before back when none does in time.
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/uplink/desired_store.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"
#include "services/uplink/signal.h"
#include "services/uplink/websocket_link.h"

namespace tentacle::uplink {

// Home thread only.
class ConfigTrial {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    DesiredStore& desired;
    WebSocketLink& link;
    const Peers& peers;
    events::EventLog& events;
    Metrics& metrics;
    const runtime::Clock& clock;
    runtime::Log log;
  };

  explicit ConfigTrial(Parts parts);

  // Something that it looks at has changed: the configuration, the link, a peer.
  void Notify() { changed_.Notify(); }

  // Called for all services when another configuration is to be pushed.
  void OnRevert(std::function<void()> callback) { on_revert_ = std::move(callback); }

  // Until cancelled.
  boost::asio::awaitable<absl::Status> Run();

 private:
  enum class Verdict { kWait, kReconnect, kProven, kFailed };

  Verdict Judge();
  // For how long the configuration in force has been on trial, however the clock was set meanwhile.
  absl::Duration TriedFor(absl::Time since);
  boost::asio::awaitable<void> Settle(Verdict verdict);

  Parts parts_;
  Signal changed_;
  std::function<void()> on_revert_;
  // The trial that a new connection has been asked for already.
  absl::Time reconnected_for_ = absl::InfinitePast();
  absl::Time connected_before_ = absl::InfinitePast();  // Since when the link was as it was then.
  // The trial that is being timed, and when by the steady clock it began.
  absl::Time timed_ = absl::InfinitePast();
  absl::Time began_ = absl::InfinitePast();
};

}  // namespace tentacle::uplink
