// What comes over which line: the limit by the calendar, and the ledger. Home thread only; the
// limiter is passed by the pull threads.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <atomic>
#include <cstdint>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/runtime/host.h"
#include "libs/schedule/weekly.h"
#include "services/cache/chunk_source.h"
#include "services/cache/metrics.h"
#include "services/cache/wan_limiter.h"

namespace tentacle::cache {

class LineDesk {
 public:
  LineDesk(runtime::Host& host, Metrics& metrics);

  // Reads the ledger; a limit is in force afterwards.
  absl::Status Open();
  // The configuration may have changed the limits.
  void Configure();
  // Changes the limit when the calendar says so, and tells the backend of the ledger. Until
  // cancelled.
  boost::asio::awaitable<void> Run();

  // Thread safe.
  void Fetched(ChunkOrigin from, std::uint64_t bytes);

  // Bytes that the kernel has taken for clients, and for neighbours.
  void Served(std::uint64_t bytes) {
    served_ += bytes;
    metrics_.Served(bytes);
  }

  void PeerServed(std::uint64_t bytes) {
    peer_served_ += bytes;
    metrics_.Served(bytes);
  }

  v1::Ledger ledger() const;

  const schedule::BandwidthCalendar& calendar() const { return calendar_; }

  WanLimiter& limiter() { return limiter_; }

  const WanLimiter& limiter() const { return limiter_; }

  // Into the store and to the backend, when something has changed.
  void Tell();

 private:
  void Apply();

  runtime::Host& host_;
  Metrics& metrics_;
  WanLimiter limiter_;
  schedule::BandwidthCalendar calendar_;
  v1::Ledger began_;  // What the counters below are added to.
  std::atomic<std::uint64_t> from_backend_ = 0;
  std::atomic<std::uint64_t> from_peers_ = 0;
  std::atomic<std::uint64_t> from_disk_ = 0;
  std::atomic<std::uint64_t> served_ = 0;
  std::atomic<std::uint64_t> peer_served_ = 0;
  std::string told_;  // Serialized, as last told.
  boost::asio::steady_timer wake_;
};

}  // namespace tentacle::cache
