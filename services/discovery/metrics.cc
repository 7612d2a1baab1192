#include "services/discovery/metrics.h"

namespace tentacle::discovery {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

Family<Counter>& CounterFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics(prometheus::Registry& r)
    : probes_(CounterFamily(r, "tentacle_discovery_probes_total", "ARP questions, by outcome.")),
      observations_(CounterFamily(r,
                                  "tentacle_discovery_observations_total",
                                  "Frames that told of a device, by what they changed.")),
      drops_(CounterFamily(
          r, "tentacle_discovery_frames_dropped_total", "Frames that told nothing, by reason.")),
      alerts_(CounterFamily(
          r, "tentacle_discovery_alerts_total", "What was found wrong with the segment, by kind.")),
      reports_(CounterFamily(
          r, "tentacle_discovery_reports_total", "Reports of what changed, by outcome.")),
      port_probes_(CounterFamily(
          r, "tentacle_discovery_port_probes_total", "Ports knocked at, by outcome.")),
      pings_(CounterFamily(r, "tentacle_discovery_pings_total", "Pings, by outcome.")),
      scans_(CounterFamily(r, "tentacle_discovery_scans_total", "Sweeps asked for, by outcome.")),
      skipped_(CounterFamily(r,
                             "tentacle_discovery_subnets_skipped_total",
                             "Subnets that a sweep left out, by reason.")),
      wake_packets_(CounterFamily(
          r, "tentacle_discovery_wake_packets_total", "Magic packets, by method and outcome.")),
      wakes_(
          CounterFamily(r, "tentacle_discovery_wake_requests_total", "Wake requests, by outcome.")),
      writes_(CounterFamily(r,
                            "tentacle_discovery_store_writes_total",
                            "Writes of the device table to disk, by outcome.")),
      replies_(
          CounterFamily(r, "tentacle_discovery_replies_total", "ARP replies that were understood.")
              .Add({})),
      forgotten_(CounterFamily(r,
                               "tentacle_discovery_devices_forgotten_total",
                               "Devices that made room for new ones.")
                     .Add({})),
      devices_(GaugeFamily(r, "tentacle_discovery_devices", "Devices known.").Add({})),
      links_(
          GaugeFamily(r, "tentacle_discovery_links", "Interfaces that are listened on.").Add({})) {
  auto& heard = CounterFamily(r, "tentacle_discovery_frames_total",
                              "Frames that told something, by protocol.");
  for (std::size_t i = 0; i < heard_.size(); ++i) {
    heard_[i] = &heard.Add({{"protocol", std::string(SourceName(static_cast<Source>(i)))}});
  }
  constexpr std::array<const char*, 4> kChanges = {"appeared", "moved", "learned", "seen_again"};
  for (std::size_t i = 0; i < observed_.size(); ++i)
    observed_[i] = &observations_.Add({{"change", kChanges[i]}});
}

void Metrics::Observed(ChangeKind kind) {
  observed_[static_cast<std::size_t>(kind)]->Increment();
}

void Metrics::CaptureLost(std::uint64_t frames) {
  drops_.Add({{"reason", "capture_buffer_full"}}).Increment(static_cast<double>(frames));
}

void Metrics::ScanEnded(ScanOutcome outcome) {
  switch (outcome) {
    case ScanOutcome::kCompleted:
      return Count(scans_, "outcome", "completed");
    case ScanOutcome::kInterrupted:
      return Count(scans_, "outcome", "interrupted");
    case ScanOutcome::kJoined:
      return Count(scans_, "outcome", "joined");
    case ScanOutcome::kRefused:
      return Count(scans_, "outcome", "refused");
  }
}

void Metrics::WakePacket(std::string_view method, bool ok) {
  wake_packets_.Add({{"method", std::string(method)}, {"outcome", ok ? "sent" : "failed"}})
      .Increment();
}

}  // namespace tentacle::discovery
