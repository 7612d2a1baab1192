#include "libs/events/event_log.h"

#include <array>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "libs/events/lane.h"

namespace tentacle::events {

namespace {

namespace asio = boost::asio;

class StoredEventLog final : public EventLog {
 public:
  StoredEventLog(store::Store& store,
                 asio::any_io_executor home,
                 asio::thread_pool& blocking,
                 const EventLogLimits& limits)
      : home_(home),
        // Only a result is worth a disk's flush each: the next sample or snapshot is as good.
        lanes_{std::make_unique<Lane>(
                   store,
                   home,
                   blocking,
                   LanePolicy{event::v1::PRIORITY_RESULT, limits.results, false, true}),
               std::make_unique<Lane>(
                   store,
                   home,
                   blocking,
                   LanePolicy{event::v1::PRIORITY_INVENTORY, limits.inventories, true, false}),
               std::make_unique<Lane>(
                   store,
                   home,
                   blocking,
                   LanePolicy{event::v1::PRIORITY_METRIC, limits.metrics, true, false})} {}

  absl::Status Load() {
    absl::Status status;
    for (const auto& lane : lanes_)
      status.Update(lane->Load());
    return status;
  }

  asio::awaitable<absl::StatusOr<std::uint64_t>> Append(Event event) override {
    Lane& lane = LaneOf(event.priority());
    co_return co_await lane.Append(std::move(event));
  }

  void Publish(Event event) override {
    auto append = AppendDetached(std::move(event));
    asio::co_spawn(home_, std::move(append), asio::detached);
  }

  asio::awaitable<absl::StatusOr<std::vector<Event>>> Fetch(Priority lane,
                                                            std::uint64_t after,
                                                            std::size_t max,
                                                            absl::Duration wait) override {
    co_return co_await LaneOf(lane).Fetch(after, max, wait);
  }

  asio::awaitable<absl::Status> Confirm(std::string epoch, std::uint64_t through) override {
    for (const auto& lane : lanes_) {
      if (lane->view().epoch == epoch) co_return co_await lane->Confirm(through);
    }
    co_return absl::InvalidArgumentError("events of another epoch");
  }

  void Close() override {
    for (const auto& lane : lanes_)
      lane->Close();
  }

  LaneView View(Priority lane) const override { return LaneOf(lane).view(); }

  std::uint64_t refused() const override {
    std::uint64_t sum = 0;
    for (const auto& lane : lanes_)
      sum += lane->refused();
    return sum;
  }

 private:
  Lane& LaneOf(Priority priority) const { return *lanes_[LaneIndex(priority)]; }

  asio::awaitable<void> AppendDetached(Event event) {
    // A refusal is counted by the lane; whoever publishes has nobody to tell.
    const auto ignored = co_await Append(std::move(event));
    static_cast<void>(ignored);
  }

  asio::any_io_executor home_;
  std::array<std::unique_ptr<Lane>, kLanes.size()> lanes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(store::Store& store,
                                                         asio::any_io_executor home,
                                                         asio::thread_pool& blocking,
                                                         EventLogLimits limits) {
  auto log = std::make_unique<StoredEventLog>(store, std::move(home), blocking, limits);
  if (absl::Status status = log->Load(); !status.ok()) return status;
  return log;
}

Event MakeEvent(std::string_view type,
                std::string_view correlation_id,
                Priority priority,
                std::string body_json,
                absl::Time time) {
  Event event;
  event.set_type(type.data(), type.size());
  event.set_correlation_id(correlation_id.data(), correlation_id.size());
  event.set_priority(priority);
  event.set_body_json(std::move(body_json));
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  event.mutable_time()->set_seconds(seconds);
  event.mutable_time()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return event;
}

}  // namespace tentacle::events
