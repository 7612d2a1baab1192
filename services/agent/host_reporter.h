// Sends the host upward: the parts of its inventory that have changed, a sample of its
// load at an interval.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "libs/store/store.h"
#include "services/agent/collectors.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

// Home thread only. Made by make_shared: its loops keep it alive. What it is given must outlive the
// home thread's loop.
class HostReporter : public std::enable_shared_from_this<HostReporter> {
 public:
  struct Settings {
    bool enabled = true;
    absl::Duration metrics_interval = absl::ZeroDuration();    // Zero: none are sent.
    absl::Duration inventory_interval = absl::ZeroDuration();  // Zero: only at the start.
    // Whom it is told: a change of it makes the inventory new.
    std::string recipient;
  };

  HostReporter(boost::asio::any_io_executor home,
               boost::asio::thread_pool& blocking,
               const runtime::Clock& clock,
               runtime::Log log,
               std::shared_ptr<Metrics> metrics,
               runtime::Health& health,
               store::Store& store,
               events::EventLog& events,
               HostSources sources);

  // Takes effect at once, also while the loops run.
  void Configure(Settings settings);
  void Start();
  void Stop();
  // The next inventory goes up now and with all of its parts, changed or not.
  void SendSnapshot();

  // Fresh ones, as JSON.
  boost::asio::awaitable<absl::StatusOr<std::string>> InventoryNow();
  boost::asio::awaitable<absl::StatusOr<std::string>> MetricsNow();

 private:
  static boost::asio::awaitable<void> InventoryLoop(std::shared_ptr<HostReporter> self);
  static boost::asio::awaitable<void> MetricsLoop(std::shared_ptr<HostReporter> self);
  boost::asio::awaitable<void> ReportInventory();
  boost::asio::awaitable<void> ReportMetrics();
  boost::asio::awaitable<Collectors::Collected> Collect();
  // Returns an interval after the call, sooner when Configure() or Stop() is called; true when the
  // whole interval has passed.
  boost::asio::awaitable<bool> Pause(boost::asio::steady_timer* timer, absl::Duration interval);
  void Show(const HostReading& reading, const MetricsSample& sample);

  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  std::shared_ptr<Metrics> metrics_;
  runtime::Health& health_;
  store::Store& store_;
  events::EventLog& events_;
  Collectors collectors_;
  Settings settings_;
  bool stopping_ = false;
  bool snapshot_asked_ = false;
  bool reconfigured_ = false;  // Since the last report of the inventory began.
  boost::asio::steady_timer inventory_timer_;
  boost::asio::steady_timer metrics_timer_;
  std::optional<CpuTimes> last_cpu_;  // Of the last sample that was sent, or of the start.
};

}  // namespace tentacle::agent
