// Watches whether a machine that was sent a magic packet wakes: it listens, and asks for its
// address.
#pragma once

#include <map>
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
#include "services/discovery/core/wake_allowance.h"
#include "services/discovery/report.h"
#include "services/discovery/reporter.h"
#include "services/discovery/segment_links.h"

namespace tentacle::discovery {

// Home thread only. Watching coroutines keep it alive.
class WakeWatch : public std::enable_shared_from_this<WakeWatch> {
 public:
  using SelfPtr = std::shared_ptr<WakeWatch>;

  WakeWatch(boost::asio::any_io_executor home,
            const runtime::Clock& clock,
            SegmentLinks& links,
            DeviceTable& table,
            Reporter& reporter,
            runtime::Log log);

  // ResourceExhausted: this machine, or too many in all, were woken just now.
  absl::Status Admit(const wire::MacAddress& mac);

  // Whether it answers already. Takes limits::kWakeAskFirst at most.
  static boost::asio::awaitable<bool> IsAwake(SelfPtr self, wire::MacAddress mac);

  // The packets are out. What comes of it is told as wake.result, and counted in the device's
  // record.
  void Start(WakeOutcome outcome, bool was_awake);

  void OnHeard(const Observation& observation);

  // Of the last wake of that MAC; nothing when there was none.
  const WakeOutcome* Find(const wire::MacAddress& mac) const;

  // Addresses that are not asked.
  void SetRules(ScanRules rules) { rules_ = std::move(rules); }

  void Stop();

 private:
  struct Watch {
    WakeOutcome outcome;
    absl::Time started;
    absl::Time sent = absl::InfiniteFuture();
    std::shared_ptr<boost::asio::steady_timer> timer;
    bool heard = false;
  };

  using WatchPtr = std::shared_ptr<Watch>;

  static boost::asio::awaitable<void> Run(SelfPtr self, WatchPtr watch);
  void Ask(const wire::MacAddress& mac);
  void Conclude(Watch& watch, std::string state);
  void MakeRoom();

  boost::asio::any_io_executor home_;
  const runtime::Clock& clock_;
  SegmentLinks& links_;
  DeviceTable& table_;
  Reporter& reporter_;
  runtime::Log log_;
  ScanRules rules_;
  std::map<wire::MacAddress, WatchPtr> watches_;
  WakeAllowance allowance_;
  bool stopped_ = false;
};

}  // namespace tentacle::discovery
