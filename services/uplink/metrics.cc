#include "services/uplink/metrics.h"

#include <array>

#include "libs/text/view.h"

namespace tentacle::uplink {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Registry;

constexpr std::array<std::string_view, 30> kKnownTypes = {
    "task.new",       "task.cancel",    "config.update",
    "image.prepull",  "status",         "task.status",
    "boot.detected",  "image.cached",   "ack",
    "tasks.sync",     "scan.start",     "wake",
    "job.run",        "task.timeline",  "boot.record",
    "image.progress", "image.evicted",  "image.corrupt",
    "wake.sent",      "inventory",      "discovery.result",
    "metrics",        "job.result",     "link",
    "command.failed", "peers.sync",     "peer.offer",
    "prepull.cancel", "prepull.status", "image.ledger"};

Family<Counter>& Counters(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& Gauges(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics(Registry& registry)
    : connects_(Counters(registry,
                         "tentacle_uplink_connects_total",
                         "Attempts to connect to the backend, by outcome.")),
      connected_(Gauges(registry,
                        "tentacle_uplink_connected",
                        "1 while the WebSocket to the backend is up.")
                     .Add({})),
      reconnect_delay_(Gauges(registry,
                              "tentacle_uplink_reconnect_delay_seconds",
                              "The last wait before an attempt to connect.")
                           .Add({})),
      latency_(Gauges(registry,
                      "tentacle_uplink_latency_seconds",
                      "Round trip of the last ping to the backend.")
                   .Add({})),
      jitter_(Gauges(registry,
                     "tentacle_uplink_link_jitter_seconds",
                     "How much the round trip to the backend varies (RFC 3550 section 6.4.1).")
                  .Add({})),
      loss_(Gauges(registry,
                   "tentacle_uplink_link_loss_ratio",
                   "Pings of the last minutes that had no answer in time, 0 to 1.")
                .Add({})),
      messages_(Counters(
          registry, "tentacle_uplink_messages_total", "WebSocket messages by direction and type.")),
      acks_(Counters(registry,
                     "tentacle_uplink_acks_total",
                     "Acknowledgements by direction, and whether one was awaited.")),
      unknown_types_(Counters(registry,
                              "tentacle_uplink_unknown_types_total",
                              "Messages of a type that is not known; they are ignored.")
                         .Add({})),
      refused_frames_(Counters(registry,
                               "tentacle_uplink_refused_frames_total",
                               "Frames that were ignored, by reason.")),
      repeats_(Counters(registry,
                        "tentacle_uplink_repeats_total",
                        "Messages that were taken before; acknowledged again and dropped.")
                   .Add({})),
      throughput_(Gauges(registry,
                         "tentacle_uplink_link_throughput_bytes_per_second",
                         "What the last probe of the line from the backend carried.")
                      .Add({})),
      probes_(Counters(registry,
                       "tentacle_uplink_link_probes_total",
                       "Probes of the line's throughput by outcome.")),
      clock_offset_(Gauges(registry,
                           "tentacle_uplink_clock_offset_seconds",
                           "The backend's clock minus this machine's, at the last refused token.")
                        .Add({})),
      window_(Gauges(registry,
                     "tentacle_uplink_window_events",
                     "Events that the backend lets be under way at once.")
                  .Add({})),
      in_flight_(
          Gauges(registry,
                 "tentacle_uplink_in_flight_events",
                 "Events taken out of the logs for the wire that are not acknowledged yet.")),
      delivered_(Counters(registry,
                          "tentacle_uplink_events_delivered_total",
                          "Events that the backend has and the service may forget.")),
      unsendable_(Counters(registry,
                           "tentacle_uplink_events_unsendable_total",
                           "Events that are too large or not JSON; they are dropped.")),
      tasks_refused_(Counters(registry,
                              "tentacle_uplink_tasks_refused_total",
                              "Tasks of the backend that were refused, by whom.")),
      commands_(Counters(registry,
                         "tentacle_uplink_commands_total",
                         "Commands of the backend by type and outcome.")),
      live_frames_(Counters(registry,
                            "tentacle_uplink_live_frames_total",
                            "Frames of the live channel by direction and outcome.")),
      configs_(Counters(registry,
                        "tentacle_uplink_configs_total",
                        "Configurations of the backend by what became of them.")),
      peer_calls_(Counters(registry,
                           "tentacle_uplink_peer_calls_total",
                           "gRPC calls to the services by method and code.")),
      peer_reachable_(Gauges(registry,
                             "tentacle_uplink_peer_reachable",
                             "1 while the last call to the service got through.")),
      store_failures_(Counters(registry,
                               "tentacle_uplink_store_failures_total",
                               "Writes that the local store refused.")) {}

void Metrics::Connect(const absl::Status& outcome) {
  std::string name = "ok";
  if (!outcome.ok()) name = absl::StatusCodeToString(outcome.code());
  connects_.Add({{"outcome", name}}).Increment();
}

void Metrics::Command(CommandKind kind, std::string_view outcome) {
  const uplink::Command command{
      .kind = kind, .reference = {}, .mac = {}, .order = {}, .signature = {}};
  commands_.Add({{"type", std::string(command.type())}, {"outcome", std::string(outcome)}})
      .Increment();
}

void Metrics::Live(std::string_view direction, std::string_view outcome) {
  live_frames_.Add({{"direction", std::string(direction)}, {"outcome", std::string(outcome)}})
      .Increment();
}

void Metrics::PeerCall(Service service, std::string_view method, const absl::Status& status) {
  peer_calls_
      .Add({{"service", std::string(ServiceName(service))},
            {"method", std::string(method)},
            {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
}

std::string Metrics::Known(std::string_view type) {
  for (const std::string_view known : kKnownTypes) {
    if (known == type) return std::string(type);
  }
  return "other";
}

}  // namespace tentacle::uplink
