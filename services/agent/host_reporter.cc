#include "services/agent/host_reporter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/agent/core/inventory_json.h"
#include "services/agent/core/inventory_parts.h"
#include "services/agent/core/metrics_json.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kToldKey[] = "inventory/told";

}  // namespace

HostReporter::HostReporter(asio::any_io_executor home,
                           asio::thread_pool& blocking,
                           const runtime::Clock& clock,
                           runtime::Log log,
                           std::shared_ptr<Metrics> metrics,
                           runtime::Health& health,
                           store::Store& store,
                           events::EventLog& events,
                           HostSources sources)
    : home_(home),
      blocking_(blocking),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      health_(health),
      store_(store),
      events_(events),
      collectors_(home, blocking, std::move(sources), std::move(metrics), log),
      inventory_timer_(home),
      metrics_timer_(home) {}

void HostReporter::Configure(Settings settings) {
  settings_ = std::move(settings);
  if (settings_.metrics_interval > absl::ZeroDuration()) {
    settings_.metrics_interval = std::max(settings_.metrics_interval, limits::kMinMetricsInterval);
  }
  reconfigured_ = true;
  inventory_timer_.cancel();
  metrics_timer_.cancel();
}

void HostReporter::Start() {
  auto inventory = InventoryLoop(shared_from_this());
  auto metrics = MetricsLoop(shared_from_this());
  asio::co_spawn(home_, std::move(inventory), asio::detached);
  asio::co_spawn(home_, std::move(metrics), asio::detached);
}

void HostReporter::Stop() {
  stopping_ = true;
  inventory_timer_.cancel();
  metrics_timer_.cancel();
}

asio::awaitable<bool> HostReporter::Pause(asio::steady_timer* timer, absl::Duration interval) {
  if (interval <= absl::ZeroDuration()) {
    timer->expires_at(asio::steady_timer::time_point::max());
  } else {
    timer->expires_after(absl::ToChronoNanoseconds(interval));
  }
  const auto [error] = co_await timer->async_wait(kTuple);
  co_return !error;
}

asio::awaitable<void> HostReporter::InventoryLoop(std::shared_ptr<HostReporter> self) {
  while (!self->stopping_) {
    self->reconfigured_ = false;
    if (self->settings_.enabled) co_await self->ReportInventory();
    // A change of the configuration ends the pause, and one that came during the report skips it.
    // What has not changed is not sent twice.
    if (self->stopping_ || self->reconfigured_) continue;
    co_await self->Pause(&self->inventory_timer_, self->settings_.inventory_interval);
  }
}

asio::awaitable<void> HostReporter::MetricsLoop(std::shared_ptr<HostReporter> self) {
  const auto first = co_await self->collectors_.Read();
  if (first.ok()) self->last_cpu_ = first->cpu;
  while (!self->stopping_) {
    const bool passed =
        co_await self->Pause(&self->metrics_timer_, self->settings_.metrics_interval);
    if (passed && self->settings_.enabled && !self->stopping_) co_await self->ReportMetrics();
  }
}

asio::awaitable<Collectors::Collected> HostReporter::Collect() {
  auto collected = co_await collectors_.CollectInventory();
  const bool good = collected.failed.empty();
  health_.Set("collectors", good,
              good ? "" : fmt::format("cannot be read: {}", fmt::join(collected.failed, ", ")));
  co_return collected;
}

asio::awaitable<void> HostReporter::ReportInventory() {
  const auto collected = co_await Collect();
  const absl::Time now = clock_.Now();
  const bool all = std::exchange(snapshot_asked_, false);
  auto load = [&store = store_] { return store.Get(kToldKey); };
  const auto told = co_await async::OnPool(blocking_, load);
  const auto known = told.ok() && told->has_value() ? DecodeTold(**told) : ToldInventory();
  const std::uint64_t thinned = events_.View(event::v1::PRIORITY_INVENTORY).thinned;
  auto report =
      ReportOfChanges(InventoryJson(collected.inventory, now, limits::kMaxInventoryBytes),
                      StableInventoryJson(collected.inventory, limits::kMaxInventoryBytes), known,
                      settings_.recipient, thinned, all);
  if (!report) {
    metrics_->Reported("inventory", "unchanged");
    co_return;
  }
  const std::size_t bytes = report->body_json.size();
  auto event = events::MakeEvent("inventory", "", event::v1::PRIORITY_INVENTORY,
                                 std::move(report->body_json), now);
  const auto sequence = co_await events_.Append(std::move(event));
  metrics_->Reported("inventory", sequence.ok() ? "sent" : "failed");
  if (!sequence.ok()) {
    log_.Warning("agent.inventory_not_sent", {{"error", text::Message(sequence.status())}});
    snapshot_asked_ = all;
    co_return;
  }
  log_.Info("agent.inventory_sent",
            {{"bytes", bytes}, {"packages", collected.inventory.packages.size()}});
  auto save = [&store = store_, told_now = EncodeTold(report->told)] {
    return store.Apply({{kToldKey, told_now}}, false);
  };
  const auto saved = co_await async::OnPool(blocking_, save);
  if (!saved.ok()) log_.Warning("agent.fingerprint_not_stored", {{"error", text::Message(saved)}});
}

void HostReporter::SendSnapshot() {
  snapshot_asked_ = true;
  reconfigured_ = true;
  inventory_timer_.cancel();
}

asio::awaitable<void> HostReporter::ReportMetrics() {
  const auto reading = co_await collectors_.Read();
  if (!reading.ok()) {
    metrics_->Reported("metrics", "failed");
    co_return;
  }
  const auto sample = ComputeUsage(last_cpu_.value_or(reading->cpu), *reading);
  last_cpu_ = reading->cpu;
  Show(*reading, sample);
  const absl::Time now = clock_.Now();
  auto event =
      events::MakeEvent("metrics", "", event::v1::PRIORITY_METRIC, MetricsJson(sample, now), now);
  const auto sequence = co_await events_.Append(std::move(event));
  metrics_->Reported("metrics", sequence.ok() ? "sent" : "failed");
  if (!sequence.ok()) {
    log_.Warning("agent.metrics_not_sent", {{"error", text::Message(sequence.status())}});
  }
}

void HostReporter::Show(const HostReading& reading, const MetricsSample& sample) {
  metrics_->host_cpu.Set(sample.cpu_percent / 100.0);
  metrics_->host_memory_total.Set(static_cast<double>(reading.memory.total_bytes));
  metrics_->host_memory_available.Set(static_cast<double>(reading.memory.available_bytes));
  metrics_->host_load1.Set(reading.load1);
  metrics_->host_disk_total.Set(static_cast<double>(reading.disk_total_bytes));
  metrics_->host_disk_free.Set(static_cast<double>(reading.disk_free_bytes));
}

asio::awaitable<absl::StatusOr<std::string>> HostReporter::InventoryNow() {
  const auto collected = co_await Collect();
  co_return InventoryJson(collected.inventory, clock_.Now(), limits::kMaxInventoryBytes);
}

asio::awaitable<absl::StatusOr<std::string>> HostReporter::MetricsNow() {
  const auto reading = co_await collectors_.Read();
  if (!reading.ok()) co_return reading.status();
  co_return MetricsJson(ComputeUsage(last_cpu_.value_or(reading->cpu), *reading), clock_.Now());
}

}  // namespace tentacle::agent
