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
                                  "ARP packets that told of a device, by what they changed.")),
      drops_(CounterFamily(
          r, "tentacle_discovery_frames_dropped_total", "Frames that told nothing, by reason.")),
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
          GaugeFamily(r, "tentacle_discovery_links", "Interfaces that are listened on.").Add({})) {}

void Metrics::Observed(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kAppeared:
      return Count(observations_, "change", "appeared");
    case ChangeKind::kMoved:
      return Count(observations_, "change", "moved");
    case ChangeKind::kSeenAgain:
      return Count(observations_, "change", "seen_again");
  }
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
