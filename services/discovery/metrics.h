// Every counter of discovery.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/discovery/core/arp_observer.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/core/scan_plan.h"

namespace tentacle::discovery {

enum class ScanOutcome { kCompleted, kInterrupted, kJoined, kRefused };

class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void ProbeSent(bool ok) { Count(probes_, "outcome", ok ? "sent" : "failed"); }

  void Replied() { replies_.Increment(); }

  void Observed(ChangeKind kind);

  // A frame that told something, by what it was.
  void Heard(Source protocol) { heard_[static_cast<std::size_t>(protocol)]->Increment(); }

  void Alerted(std::string_view kind) { Count(alerts_, "kind", kind); }

  void Reported(std::string_view outcome) { Count(reports_, "outcome", outcome); }

  void PortsProbed(std::string_view outcome, std::size_t count) {
    Count(port_probes_, "outcome", outcome, count);
  }

  void Pinged(std::string_view outcome) { Count(pings_, "outcome", outcome); }

  void Dropped(DropReason reason) { Count(drops_, "reason", DropReasonName(reason)); }

  // Frames that the kernel had no room for.
  void CaptureLost(std::uint64_t frames);

  void Forgotten() { forgotten_.Increment(); }

  void ScanEnded(ScanOutcome outcome);

  void SubnetSkipped(SkipReason reason) { Count(skipped_, "reason", SkipReasonName(reason)); }

  void WakePacket(std::string_view method, bool ok);

  void WakeRequest(std::string_view outcome) { Count(wakes_, "outcome", outcome); }

  void Stored(bool ok) { Count(writes_, "outcome", ok ? "written" : "failed"); }

  void SetDevices(std::size_t count) { devices_.Set(static_cast<double>(count)); }

  void SetLinks(std::size_t count) { links_.Set(static_cast<double>(count)); }

 private:
  using Counters = prometheus::Family<prometheus::Counter>;

  static void Count(Counters& family,
                    const std::string& label,
                    std::string_view value,
                    std::size_t count = 1) {
    family.Add({{label, std::string(value)}}).Increment(static_cast<double>(count));
  }

  Counters& probes_;
  Counters& observations_;
  Counters& drops_;
  Counters& alerts_;
  Counters& reports_;
  Counters& port_probes_;
  Counters& pings_;
  Counters& scans_;
  Counters& skipped_;
  Counters& wake_packets_;
  Counters& wakes_;
  Counters& writes_;
  prometheus::Counter& replies_;
  prometheus::Counter& forgotten_;
  prometheus::Gauge& devices_;
  prometheus::Gauge& links_;
  std::array<prometheus::Counter*, 6>
      heard_{};  // Index: Source. Looked up once, because there are many frames.
  std::array<prometheus::Counter*, 4> observed_{};  // Index: ChangeKind.
};

}  // namespace tentacle::discovery
