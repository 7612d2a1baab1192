// Every metric of uplink, by name.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "libs/events/event_log.h"
#include "libs/net/link_quality.h"
#include "services/uplink/core/routing.h"
#include "services/uplink/core/service.h"

namespace tentacle::uplink {

// Label values come from fixed lists, never from the wire. Thread safe, as prometheus-cpp is.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void Connect(const absl::Status& outcome);

  void Connected(bool online) { connected_.Set(online ? 1 : 0); }

  void ReconnectDelay(double seconds) { reconnect_delay_.Set(seconds); }

  void Quality(const net::LinkQuality& quality) {
    latency_.Set(absl::ToDoubleSeconds(quality.mean_round_trip));
    jitter_.Set(absl::ToDoubleSeconds(quality.jitter));
    loss_.Set(quality.loss);
  }

  void Sent(std::string_view type) {
    messages_.Add({{"direction", "up"}, {"type", Known(type)}}).Increment();
  }

  void Received(std::string_view type) {
    messages_.Add({{"direction", "down"}, {"type", Known(type)}}).Increment();
  }

  void AckReceived(bool expected) {
    acks_.Add({{"direction", "down"}, {"expected", expected ? "yes" : "no"}}).Increment();
  }

  void AckSent() { acks_.Add({{"direction", "up"}, {"expected", "yes"}}).Increment(); }

  void UnknownType() { unknown_types_.Increment(); }

  void RefusedFrame(std::string_view reason) {
    refused_frames_.Add({{"reason", std::string(reason)}}).Increment();
  }

  void Repeat() { repeats_.Increment(); }

  void InFlight(Service service, events::Priority lane, std::size_t count) {
    in_flight_.Add(LaneLabels(service, lane)).Set(static_cast<double>(count));
  }

  void Delivered(Service service, events::Priority lane, std::uint64_t count) {
    delivered_.Add(LaneLabels(service, lane)).Increment(static_cast<double>(count));
  }

  void Throughput(double bytes_per_second) { throughput_.Set(bytes_per_second); }

  // `outcome`: measured, failed, image_moving, unknown_there.
  void Probe(std::string_view outcome) {
    probes_.Add({{"outcome", std::string(outcome)}}).Increment();
  }

  // The backend's clock minus ours, as its last refusal of a token told.
  void ClockOffset(double seconds) { clock_offset_.Set(seconds); }

  // Events that the backend lets be under way at once.
  void Window(std::size_t events) { window_.Set(static_cast<double>(events)); }

  void Unsendable(Service service) {
    unsendable_.Add({{"service", std::string(ServiceName(service))}}).Increment();
  }

  // `by`: "uplink" or "pxe".
  void TaskRefused(std::string_view by) {
    tasks_refused_.Add({{"by", std::string(by)}}).Increment();
  }

  // `outcome`: stored, delivered, refused, expired, overflow.
  // Frames of the live channel, "up" or "down": relayed, dropped, failed.
  void Live(std::string_view direction, std::string_view outcome);
  void Command(CommandKind kind, std::string_view outcome);

  // `outcome`: applied, on_trial, confirmed, reverted, refused.
  void Config(std::string_view outcome) {
    configs_.Add({{"outcome", std::string(outcome)}}).Increment();
  }

  void PeerCall(Service service, std::string_view method, const absl::Status& status);

  void PeerReachable(Service service, bool reachable) {
    peer_reachable_.Add({{"service", std::string(ServiceName(service))}}).Set(reachable ? 1 : 0);
  }

  // `what`: "desired", "command" or "event".
  void StoreFailed(std::string_view what) {
    store_failures_.Add({{"what", std::string(what)}}).Increment();
  }

 private:
  static prometheus::Labels LaneLabels(Service service, events::Priority lane) {
    return {{"service", std::string(ServiceName(service))},
            {"lane", std::string(events::LaneName(lane))}};
  }

  // The type itself if docs/protocol.md knows it, else "other": a label must not come from outside.
  static std::string Known(std::string_view type);

  prometheus::Family<prometheus::Counter>& connects_;
  prometheus::Gauge& connected_;
  prometheus::Gauge& reconnect_delay_;
  prometheus::Gauge& latency_;
  prometheus::Gauge& jitter_;
  prometheus::Gauge& loss_;
  prometheus::Family<prometheus::Counter>& messages_;
  prometheus::Family<prometheus::Counter>& acks_;
  prometheus::Counter& unknown_types_;
  prometheus::Family<prometheus::Counter>& refused_frames_;
  prometheus::Counter& repeats_;
  prometheus::Gauge& throughput_;
  prometheus::Family<prometheus::Counter>& probes_;
  prometheus::Gauge& clock_offset_;
  prometheus::Gauge& window_;
  prometheus::Family<prometheus::Gauge>& in_flight_;
  prometheus::Family<prometheus::Counter>& delivered_;
  prometheus::Family<prometheus::Counter>& unsendable_;
  prometheus::Family<prometheus::Counter>& tasks_refused_;
  prometheus::Family<prometheus::Counter>& commands_;
  prometheus::Family<prometheus::Counter>& live_frames_;
  prometheus::Family<prometheus::Counter>& configs_;
  prometheus::Family<prometheus::Counter>& peer_calls_;
  prometheus::Family<prometheus::Gauge>& peer_reachable_;
  prometheus::Family<prometheus::Counter>& store_failures_;
};

}  // namespace tentacle::uplink
