// One image and who waits for it. Shared with the clients that read it while it arrives. Home
// thread only.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>

#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tentacle::cache {

// What the line of a pull did last.
enum class Line { kAsked, kFlows, kFails };

struct Entry {
  v1::Image image;
  bool pull_runs = false;  // Also while it waits for its next series of tries.
  Line line = Line::kAsked;
  int readers = 0;
  // Grows when bytes that were here are thrown away: who began to read them must stop.
  std::uint64_t generation = 0;
  absl::Time told = absl::InfinitePast();
  absl::Time use_stored = absl::InfinitePast();
  absl::Time meta_at = absl::InfinitePast();
  absl::Time failed_at = absl::InfinitePast();
  absl::Time wanted_until = absl::InfinitePast();
  std::chrono::steady_clock::time_point last_byte;
  std::set<boost::asio::steady_timer*> waiting;

  // Wakes everybody who waits in Changed().
  void Tell();
  // Bytes have come: wakes everybody and counts as life.
  void Arrived(std::uint64_t present);
};

// Keeps an image from being evicted.
class Reading {
 public:
  explicit Reading(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) { ++entry_->readers; }

  ~Reading() { --entry_->readers; }

  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  std::shared_ptr<Entry> entry_;
};

// How many bytes of the image an answer that ends at `end` may have by now. Its own end is held
// back until the image is verified, so that no answer is whole with bytes that nobody checked.
std::uint64_t Servable(const Entry& entry, std::uint64_t end);

// Returns at the next change. False: neither since `since` nor later has a byte come for
// limits::kStreamStall.
boost::asio::awaitable<bool> Changed(std::shared_ptr<Entry> entry,
                                     std::chrono::steady_clock::time_point since);

}  // namespace tentacle::cache
