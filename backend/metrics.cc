#include "backend/metrics.h"

namespace tentacle::backend {

namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : replies_(Counters(registry,
                        "octofleet_backend_http_replies_total",
                        "HTTP answers, by route, method, status.")),
      drops_(Counters(
          registry, "octofleet_backend_http_drops_total", "HTTP connections dropped, by reason.")),
      messages_(Counters(registry,
                         "octofleet_backend_messages_total",
                         "WebSocket messages, by direction, type and outcome.")),
      sessions_(Counters(
          registry, "octofleet_backend_sessions_total", "Sessions of tentacles, by outcome.")),
      shells_(Counters(
          registry, "octofleet_backend_shells_total", "Remote shells, by what happened to them.")),
      online_(Gauge(
          registry, "octofleet_backend_tentacles_online", "Tentacles with an open WebSocket.")),
      pages_(Gauge(
          registry, "octofleet_backend_pages_listening", "Pages that listen for live events.")),
      database_failures_(Counters(registry,
                                  "octofleet_backend_database_failures_total",
                                  "Transactions that failed.")
                             .Add({})),
      presence_rows_(Counters(registry,
                              "octofleet_backend_presence_rows_total",
                              "Rows about who is online and how they are, by outcome.")),
      presence_batches_(Counters(registry,
                                 "octofleet_backend_presence_batches_total",
                                 "Transactions that wrote them.")
                            .Add({})),
      commands_expired_(Counters(registry,
                                 "octofleet_backend_commands_expired_total",
                                 "Tentacles with commands that waited too long.")
                            .Add({})),
      listening_(Gauge(registry,
                       "octofleet_backend_listening",
                       "1 while PostgreSQL's notifications are heard.")),
      replicas_(Gauge(registry, "octofleet_backend_replicas", "Backends alive on this database.")),
      quarantined_(
          Gauge(registry, "octofleet_backend_quarantined", "Connections of probable clones.")) {}

void Metrics::Replied(std::string_view route, std::string_view method, unsigned status) {
  replies_
      .Add({{"route", std::string(route)},
            {"method", std::string(method)},
            {"status", std::to_string(status)}})
      .Increment();
}

void Metrics::HttpDropped(std::string_view reason) {
  drops_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::Message(std::string_view direction, std::string_view type, std::string_view outcome) {
  messages_
      .Add({{"direction", std::string(direction)},
            {"type", std::string(type)},
            {"outcome", std::string(outcome)}})
      .Increment();
}

void Metrics::Session(std::string_view outcome) {
  sessions_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Shell(std::string_view outcome) {
  shells_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Online(std::size_t tentacles) {
  online_.Set(static_cast<double>(tentacles));
}

void Metrics::PresenceBatch(std::size_t rows, bool written) {
  presence_rows_.Add({{"outcome", written ? "written" : "failed"}})
      .Increment(static_cast<double>(rows));
  presence_batches_.Increment();
}

void Metrics::CommandExpired() {
  commands_expired_.Increment();
}

void Metrics::Listening(bool listening) {
  listening_.Set(listening ? 1 : 0);
}

void Metrics::Replicas(std::size_t alive) {
  replicas_.Set(static_cast<double>(alive));
}

void Metrics::Quarantined(std::size_t sessions) {
  quarantined_.Set(static_cast<double>(sessions));
}

void Metrics::Pages(std::size_t listening) {
  pages_.Set(static_cast<double>(listening));
}

void Metrics::DatabaseFailures(std::uint64_t total) {
  const double more = static_cast<double>(total) - database_failures_.Value();
  if (more > 0) database_failures_.Increment(more);
}

}  // namespace tentacle::backend
