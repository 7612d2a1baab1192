// Every counter of the backend, by name.
#pragma once

#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace tentacle::backend {

// Home thread only.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void Replied(std::string_view route, std::string_view method, unsigned status);
  void HttpDropped(std::string_view reason);
  void Message(std::string_view direction, std::string_view type, std::string_view outcome);
  void Session(std::string_view outcome);
  // Remote shells: viewed, opened, closed.
  void Shell(std::string_view outcome);
  void Online(std::size_t tentacles);
  void Pages(std::size_t listening);
  void DatabaseFailures(std::uint64_t total);
  void PresenceBatch(std::size_t rows, bool written);
  void CommandExpired();
  void Listening(bool listening);
  void Replicas(std::size_t alive);
  void Quarantined(std::size_t sessions);

 private:
  prometheus::Family<prometheus::Counter>& replies_;
  prometheus::Family<prometheus::Counter>& drops_;
  prometheus::Family<prometheus::Counter>& messages_;
  prometheus::Family<prometheus::Counter>& sessions_;
  prometheus::Family<prometheus::Counter>& shells_;
  prometheus::Gauge& online_;
  prometheus::Gauge& pages_;
  prometheus::Counter& database_failures_;
  prometheus::Family<prometheus::Counter>& presence_rows_;
  prometheus::Counter& presence_batches_;
  prometheus::Counter& commands_expired_;
  prometheus::Gauge& listening_;
  prometheus::Gauge& replicas_;
  prometheus::Gauge& quarantined_;
};

}  // namespace tentacle::backend
