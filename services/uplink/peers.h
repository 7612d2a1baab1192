// The five services as uplink calls them: gRPC over their Unix sockets, each call with a deadline,
// each outcome counted, and who is reachable. uplink's own socket is one of them, for its own
// events and configuration.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>
#include <tentacle/event/v1/event_service.pb.h>
#include <tentacle/pxe/v1/pxe_service.pb.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/log.h"
#include "services/uplink/core/desired_state.h"
#include "services/uplink/core/routing.h"
#include "services/uplink/core/service.h"
#include "services/uplink/metrics.h"

namespace tentacle::uplink {

struct PeerView {
  bool reachable = false;
  std::string reason = "not asked yet";
  // As of the last page, per lane; index as in events::kLanes.
  std::array<events::LaneView, events::kLanes.size()> lanes;
  std::uint64_t pushed_config_revision = 0;
};

// One message of the live channel, unread.
struct LiveFrame {
  std::string type;
  std::string body_json;
};

// Home thread only.
class Peers {
 public:
  template <class T>
  using Answer = boost::asio::awaitable<absl::StatusOr<T>>;

  // `socket_of` gives the path of a service's socket.
  Peers(const std::function<std::string(std::string_view)>& socket_of,
        Metrics& metrics,
        runtime::Log log);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Long poll.
  Answer<event::v1::FetchEventsResponse> FetchEvents(Service service,
                                                     events::Priority lane,
                                                     std::uint64_t after,
                                                     std::size_t max_events);
  boost::asio::awaitable<absl::Status> ConfirmEvents(Service service,
                                                     events::Priority lane,
                                                     std::string epoch,
                                                     std::uint64_t through);
  // Does it answer at all? For a service that nothing is to be pushed to.
  boost::asio::awaitable<absl::Status> Ping(Service service);
  // The revision that is in force there afterwards.
  Answer<std::uint64_t> ReplaceConfig(Service service, std::uint64_t revision, std::string json);
  // `backend_time`: the backend's clock, if it is known.
  Answer<pxe::v1::ReplaceBootTasksResponse> ReplaceBootTasks(
      DesiredState state, std::optional<absl::Time> backend_time);
  Answer<pxe::v1::ListBootTasksResponse> ListBootTasks();
  Answer<cache::v1::ListImagesResponse> ListImages();
  // Hands the command over; what comes of it is an event of that service.
  boost::asio::awaitable<absl::Status> Deliver(Command command);

  // Long poll of the agent's live channel, and the way down; `link_id` is this connection's.
  Answer<std::vector<LiveFrame>> FetchFrames(std::string link_id);
  boost::asio::awaitable<absl::Status> PushFrames(std::string link_id,
                                                  std::vector<LiveFrame> frames);

  const PeerView& view(Service service) const { return views_[static_cast<std::size_t>(service)]; }

  // One sentence about who cannot be reached; empty when all answer.
  std::string Summary() const;

  // Called when a service has a configuration in force that it was given.
  void OnConfigInForce(std::function<void()> callback) { on_config_ = std::move(callback); }

  // Called when a service begins or ceases to answer.
  void OnReachability(std::function<void(Service)> callback) {
    on_reachability_ = std::move(callback);
  }

 private:
  struct Stubs;
  // Counts the outcome, keeps the view true and passes the status on.
  absl::Status Note(Service service, std::string_view method, absl::Status status);

  PeerView& MutableView(Service service) { return views_[static_cast<std::size_t>(service)]; }

  Metrics& metrics_;
  runtime::Log log_;
  std::array<std::unique_ptr<Stubs>, kServices.size()> stubs_;
  std::array<PeerView, kServices.size()> views_;
  std::function<void()> on_config_;
  std::function<void(Service)> on_reachability_;
};

}  // namespace tentacle::uplink
