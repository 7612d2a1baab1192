// Every metric of uplink, by name.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

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

  void Latency(double seconds) { latency_.Set(seconds); }

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

  void InFlight(Service service, std::size_t count) {
    in_flight_.Add({{"service", std::string(ServiceName(service))}})
        .Set(static_cast<double>(count));
  }

  void Delivered(Service service, std::uint64_t count) {
    delivered_.Add({{"service", std::string(ServiceName(service))}})
        .Increment(static_cast<double>(count));
  }

  void Unsendable(Service service) {
    unsendable_.Add({{"service", std::string(ServiceName(service))}}).Increment();
  }

  // `by`: "uplink" or "pxe".
  void TaskRefused(std::string_view by) {
    tasks_refused_.Add({{"by", std::string(by)}}).Increment();
  }

  // `outcome`: stored, delivered, refused, expired, overflow.
  void Command(CommandKind kind, std::string_view outcome);

  void PeerCall(Service service, std::string_view method, const absl::Status& status);

  void PeerReachable(Service service, bool reachable) {
    peer_reachable_.Add({{"service", std::string(ServiceName(service))}}).Set(reachable ? 1 : 0);
  }

  // `what`: "desired", "command" or "event".
  void StoreFailed(std::string_view what) {
    store_failures_.Add({{"what", std::string(what)}}).Increment();
  }

 private:
  // The type itself if docs/protocol.md knows it, else "other": a label must not come from outside.
  static std::string Known(std::string_view type);

  prometheus::Family<prometheus::Counter>& connects_;
  prometheus::Gauge& connected_;
  prometheus::Gauge& reconnect_delay_;
  prometheus::Gauge& latency_;
  prometheus::Family<prometheus::Counter>& messages_;
  prometheus::Family<prometheus::Counter>& acks_;
  prometheus::Counter& unknown_types_;
  prometheus::Family<prometheus::Counter>& refused_frames_;
  prometheus::Counter& repeats_;
  prometheus::Family<prometheus::Gauge>& in_flight_;
  prometheus::Family<prometheus::Counter>& delivered_;
  prometheus::Family<prometheus::Counter>& unsendable_;
  prometheus::Family<prometheus::Counter>& tasks_refused_;
  prometheus::Family<prometheus::Counter>& commands_;
  prometheus::Family<prometheus::Counter>& peer_calls_;
  prometheus::Family<prometheus::Gauge>& peer_reachable_;
  prometheus::Family<prometheus::Counter>& store_failures_;
};

}  // namespace tentacle::uplink
