// One image and who waits for it. Shared with the clients that read it while it arrives. Home
// thread only.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "services/cache/chunked.h"
#include "services/cache/line_limiter.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// A neighbour reads what is here or comes; nothing has to come for it.
enum class Reader { kMachine, kNeighbour };

// What the line of a pull did last.
enum class Line { kAsked, kFlows, kFails };

struct Entry {
  v1::Image image;
  std::shared_ptr<Stopping> stop;  // Of the pull that runs; see BreakOff().
  bool pull_runs = false;          // Also while it waits for its next series of tries.
  Line line = Line::kAsked;
  int readers = 0;     // Not evicted under them.
  int neighbours = 0;  // Of the readers.
  // While a pull by chunks runs. Null: the bytes are in their order, as far as `in_order` says.
  std::shared_ptr<Chunked> chunked;
  bool in_order = false;    // The first present_bytes() of the part file are those of the image.
  bool hash_right = false;  // Every byte is right; they may not survive a power cut yet.
  int wrong_told = 0;
  bool doubted = false;  // The pull checks a file that was whole once.
  std::string file_id;   // Of the file that was verified; see FileId().
  // Of the pull that runs.
  std::shared_ptr<std::atomic<PullClass>> pull_class =
      std::make_shared<std::atomic<PullClass>>(PullClass::kPrepull);
  // Somebody has asked since the pull that runs was broken off: another one follows it.
  std::optional<PullClass> again;
  boost::asio::steady_timer* pause = nullptr;  // Between two series of tries.
  // Grows when bytes that were here are thrown away: who began to read them must stop.
  std::uint64_t generation = 0;
  absl::Time told = absl::InfinitePast();
  absl::Time use_stored = absl::InfinitePast();
  absl::Time meta_at = absl::InfinitePast();
  absl::Time failed_at = absl::InfinitePast();
  absl::StatusCode failure = absl::StatusCode::kOk;  // Of the last pull.
  absl::Time wanted_until = absl::InfinitePast();
  std::chrono::steady_clock::time_point last_byte;
  std::set<boost::asio::steady_timer*> waiting;

  // A machine reads, and waits for the rest.
  bool IsClaimed() const { return readers > neighbours; }

  // Of its bytes each was compared with its hash before it is given away.
  bool IsCheckedByChunk() const {
    return image.state() == v1::IMAGE_STATE_CACHED || chunked != nullptr;
  }

  // Wakes everybody who waits in Changed().
  void Tell();
  // Bytes have come: wakes everybody and counts as life.
  void Arrived(std::uint64_t present);
  // The pull that runs ends as soon as it can.
  void BreakOff();
};

// Keeps an image from being evicted.
class Reading {
 public:
  Reading(std::shared_ptr<Entry> entry, Reader reader)
      : entry_(std::move(entry)), neighbours_(reader == Reader::kNeighbour ? 1 : 0) {
    ++entry_->readers;
    entry_->neighbours += neighbours_;
  }

  ~Reading() {
    --entry_->readers;
    entry_->neighbours -= neighbours_;
  }

  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  std::shared_ptr<Entry> entry_;
  int neighbours_;
};

// Up to where an answer that stands at `at` and ends at `end` can be read by now; at most `at` when
// it has to wait. With a chunk list each chunk counts once its hash was right, and the last one
// once that of the whole was. Without, the answer's own end is held back until then, so that no
// answer is whole with bytes that nobody checked.
std::uint64_t Servable(const Entry& entry, std::uint64_t at, std::uint64_t end);

// Returns at the next change; meanwhile the pull knows that somebody waits for the byte at `at`.
// False: neither since `since` nor later has a byte come for limits::kStreamStall.
boost::asio::awaitable<bool> Changed(std::shared_ptr<Entry> entry,
                                     std::chrono::steady_clock::time_point since,
                                     std::uint64_t at = 0);

}  // namespace tentacle::cache
