// The durable log of what the backend has to learn. One per service, in the service's own RocksDB.
//
// Inside it every priority has a lane of its own, with its own sequence and its own limit: a result
// never waits behind a year of metrics, and confirming one lane forgets nothing of another.
#pragma once

#include <tentacle/event/v1/event.pb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/lanes.h"
#include "libs/store/store.h"

namespace tentacle::events {

using event::v1::Event;

// Events that are kept of each lane.
struct EventLogLimits {
  // A busy branch makes some hundred a day: months without a line. Beyond it results are refused,
  // never forgotten.
  std::uint64_t results = 200'000;
  // Whole snapshots: a newer one replaces what an old one says, so the oldest go.
  std::uint64_t inventories = 1'000;
  // One a minute for two weeks; the oldest go.
  std::uint64_t metrics = 20'000;
};

// What a lane holds at the moment.
struct LaneView {
  std::string epoch;            // Random, made with the lane.
  std::uint64_t confirmed = 0;  // The backend has everything up to here, or it was thinned.
  std::uint64_t last = 0;       // The newest that is durable.
  std::uint64_t thinned = 0;    // Forgotten without having been delivered, ever.
};

// Home thread only; the disk is touched on `blocking`.
class EventLog {
 public:
  // Opens below `store`, which must outlive it.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(store::Store& store,
                                                        boost::asio::any_io_executor home,
                                                        boost::asio::thread_pool& blocking,
                                                        EventLogLimits limits = {});
  virtual ~EventLog() = default;

  // Returns when the event is durable, with its sequence in its lane. Order of calls is order in
  // the lane; what is asked for while a write is under way shares the next one.
  // ResourceExhausted: the lane of results, or the disk, is full.
  virtual boost::asio::awaitable<absl::StatusOr<std::uint64_t>> Append(Event event) = 0;
  // Append without waiting, for what is not a result; a refusal is counted in refused().
  virtual void Publish(Event event) = 0;

  // Events of the lane after `after`, oldest first, at most `max` and about 1 MiB of them. Waits up
  // to `wait` for the first one.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<Event>>> Fetch(Priority lane,
                                                                           std::uint64_t after,
                                                                           std::size_t max,
                                                                           absl::Duration wait) = 0;
  // The lane is found by its epoch. InvalidArgument for an unknown one or a sequence that is not
  // there yet.
  virtual boost::asio::awaitable<absl::Status> Confirm(std::string epoch,
                                                       std::uint64_t through) = 0;

  // Wakes everybody who waits in Fetch(); from then on Fetch() does not wait.
  virtual void Close() = 0;

  virtual LaneView View(Priority lane) const = 0;
  // Events that were not taken since the start: the lane or the disk was full.
  virtual std::uint64_t refused() const = 0;
};

// A result, inventory or metric with its body; `time` becomes the event's time.
Event MakeEvent(std::string_view type,
                std::string_view correlation_id,
                Priority priority,
                std::string body_json,
                absl::Time time);

}  // namespace tentacle::events
