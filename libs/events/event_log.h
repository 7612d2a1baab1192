// The durable log of what the backend has to learn. One per service, in the service's own RocksDB.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <tentacle/event/v1/event.pb.h>

#include "libs/store/store.h"

namespace tentacle::events {

using event::v1::Event;

struct EventLogLimits {
  std::uint64_t max_events = 200'000;      // Some weeks without a line for one service.
  // From here on metrics are not taken any more, so that results always find room.
  double thin_metrics_above = 0.5;
};

// Home thread only; the disk is touched on `blocking`.
class EventLog {
 public:
  // Opens below `store`, which must outlive it.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(store::Store& store, boost::asio::any_io_executor home,
                                                        boost::asio::thread_pool& blocking,
                                                        EventLogLimits limits = {});
  virtual ~EventLog() = default;

  // Returns when the event is durable, with its sequence. Order of calls is order in the log.
  // ResourceExhausted: log or disk is full, or a metric was thinned.
  virtual boost::asio::awaitable<absl::StatusOr<std::uint64_t>> Append(Event event) = 0;
  // Append without waiting, for what is not a result; a failure is counted and logged by the log's owner.
  virtual void Publish(Event event) = 0;

  virtual boost::asio::awaitable<absl::StatusOr<std::vector<Event>>> Fetch(std::uint64_t after, std::size_t max,
                                                                           absl::Duration wait) = 0;
  // InvalidArgument for another epoch or a sequence that is not there yet.
  virtual boost::asio::awaitable<absl::Status> Confirm(std::string epoch, std::uint64_t through) = 0;

  // Wakes everybody who waits in Fetch(); from then on Fetch() does not wait.
  virtual void Close() = 0;

  virtual const std::string& epoch() const = 0;
  virtual std::uint64_t confirmed() const = 0;
  virtual std::uint64_t last() const = 0;
  virtual std::uint64_t refused() const = 0;
};

// A result, inventory or metric with its body; `time` becomes the event's time.
Event MakeEvent(std::string_view type, std::string_view correlation_id, event::v1::Priority priority,
                std::string body_json, absl::Time time);

}  // namespace tentacle::events
