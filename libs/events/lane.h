// One lane of an event log: its sequence, its limit, its keys in the store. Appends are gathered:
// one write carries everything that was asked for while the write before was under way.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"

namespace tentacle::events {

struct LanePolicy {
  Priority lane = event::v1::PRIORITY_RESULT;
  std::uint64_t max_events = 0;
  // At the limit the oldest are forgotten; otherwise what is new is refused.
  bool drop_oldest = false;
  // Each write survives a power cut, not only a killed process.
  bool sync = true;
};

// Home thread only.
class Lane {
 public:
  Lane(store::Store& store,
       boost::asio::any_io_executor home,
       boost::asio::thread_pool& blocking,
       LanePolicy policy);

  // Blocking; before anything else.
  absl::Status Load();

  boost::asio::awaitable<absl::StatusOr<std::uint64_t>> Append(Event event);
  boost::asio::awaitable<absl::StatusOr<std::vector<Event>>> Fetch(std::uint64_t after,
                                                                   std::size_t max,
                                                                   absl::Duration wait);
  boost::asio::awaitable<absl::Status> Confirm(std::uint64_t through);
  void Close();

  const LaneView& view() const { return view_; }

  std::uint64_t refused() const { return refused_; }

 private:
  // What one write carries, and who waits for it.
  struct Batch {
    explicit Batch(boost::asio::any_io_executor home);
    std::vector<Event> events;
    boost::asio::steady_timer done;  // Cancelled when `status` holds.
    bool written = false;
    absl::Status status;
    std::uint64_t first_sequence = 0;
  };

  absl::Status CheckRoom() const;
  boost::asio::awaitable<void> WriteBatches();
  boost::asio::awaitable<void> WriteBatch(std::shared_ptr<Batch> batch);
  absl::Status WriteOut(Batch& batch, std::uint64_t drop_from, std::uint64_t drop_through) const;
  // How many of the oldest make room for `added`.
  std::uint64_t Excess(std::uint64_t added) const;
  absl::StatusOr<std::vector<Event>> Read(std::uint64_t from, std::uint64_t last, std::size_t max);

  std::string Key(std::string_view name) const;
  std::string EntryKey(std::uint64_t sequence) const;
  absl::StatusOr<std::uint64_t> LoadNumber(std::string_view name);

  store::Store& store_;
  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  LanePolicy policy_;
  boost::asio::steady_timer arrived_;           // Cancelled when events arrive.
  std::deque<std::shared_ptr<Batch>> waiting_;  // For the next writes, oldest first.
  bool writing_ = false;
  std::uint64_t under_way_ = 0;  // Events in waiting_ and in the write under way.
  LaneView view_;
  std::uint64_t refused_ = 0;
  bool closed_ = false;
};

}  // namespace tentacle::events
