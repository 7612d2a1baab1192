// Runs ARP sweeps: one at a time, over every link that is open.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/core/scan_plan.h"
#include "services/discovery/metrics.h"
#include "services/discovery/segment_links.h"

namespace tentacle::discovery {

// What a sweep found, once for each request that waited for it.
struct ScanResult {
  std::vector<std::string> scan_ids;
  absl::Time started_at;
  absl::Time finished_at;
  std::size_t targets = 0;   // Addresses that were asked.
  std::uint32_t passes = 0;  // How often the silent ones were.
  bool interrupted = false;  // Ended before every address was asked.
  // Who spoke while it ran, in order of address.
  std::vector<wire::MacAddress> devices;
};

// Home thread only; a running sweep keeps it alive.
class ArpScanner : public std::enable_shared_from_this<ArpScanner> {
 public:
  using ResultSink = std::function<boost::asio::awaitable<void>(ScanResult)>;

  ArpScanner(boost::asio::any_io_executor home,
             const runtime::Clock& clock,
             SegmentLinks& links,
             const DeviceTable& table,
             Metrics& metrics,
             runtime::Log log);

  // Given every result; awaited before the sweep's coroutine ends.
  void OnResult(ResultSink sink) { sink_ = std::move(sink); }

  struct Started {
    std::string scan_id;
    std::size_t targets = 0;
  };

  // Starts a sweep or joins the one that runs; returns at once. An empty id is replaced by a random
  // one. FailedPrecondition: no link, or nothing to ask. ResourceExhausted: limits::kMaxJoinedScans
  // wait already. InvalidArgument: an id that is no id.
  absl::StatusOr<Started> Start(std::string scan_id, ScanSettings settings);

  // Somebody spoke: a running sweep need not ask again. True when it waited for that.
  bool OnHeard(const Observation& observation);
  // Ends a running sweep early, with the result so far.
  void Stop();

  bool running() const { return sweep_ != nullptr; }

  // Of the sweep that runs; 0 when none does.
  std::size_t targets() const { return sweep_ == nullptr ? 0 : sweep_->plan.targets(); }

 private:
  struct Sweep {
    Sweep(std::vector<Subnet> subnets, ScanSettings settings)
        : plan(std::move(subnets), settings) {}

    ScanPlan plan;
    std::vector<std::string> scan_ids;
    absl::Time started_at;
    std::uint64_t mark = 0;  // Of the device table, when it started.
    bool stopped = false;
  };

  using SelfPtr = std::shared_ptr<ArpScanner>;
  using SweepPtr = std::shared_ptr<Sweep>;

  absl::StatusOr<Started> Join(std::string scan_id);
  absl::StatusOr<SweepPtr> Plan(ScanSettings settings);
  static boost::asio::awaitable<void> Run(SelfPtr self, SweepPtr sweep);
  static boost::asio::awaitable<void> SendProbes(SelfPtr self, SweepPtr sweep);
  ScanResult Conclude(const Sweep& sweep);

  boost::asio::any_io_executor home_;
  const runtime::Clock& clock_;
  SegmentLinks& links_;
  const DeviceTable& table_;
  Metrics& metrics_;
  runtime::Log log_;
  ResultSink sink_;
  SweepPtr sweep_;
  boost::asio::steady_timer pace_;
};

}  // namespace tentacle::discovery
