// What happens on the segment by itself: sweeps on time, reports, and what is written to disk.
#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/net/network.h"
#include "libs/text/view.h"
#include "services/discovery/core/scan_schedule.h"
#include "services/discovery/limits.h"
#include "services/discovery/report.h"
#include "services/discovery/scan_rules.h"
#include "services/discovery/segment.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

bool WasCancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

asio::awaitable<void> Segment::KeepUp(SelfPtr self) {
  for (;;) {
    self->upkeep_.expires_after(absl::ToChronoNanoseconds(limits::kUpkeepInterval));
    co_await self->upkeep_.async_wait(kTuple);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (WasCancelled(state)) co_return;
    self->Apply();
    co_await Save(self);
    const absl::Duration unsaved = self->host_.clock.Now() - self->pings_saved_at_;
    if (unsaved >= limits::kPingSaveEvery) co_await SavePings(self);
  }
}

asio::awaitable<void> Segment::ScanOnTime(SelfPtr self) {
  absl::Time last_attempt = absl::InfinitePast();
  for (;;) {
    const auto wait = UntilNextScan(self->ScanInterval(), std::max(self->last_scan_, last_attempt),
                                    self->host_.clock.Now(), limits::kFirstScanDelay);
    self->schedule_.expires_at(asio::steady_timer::time_point::max());
    if (wait.has_value()) self->schedule_.expires_after(absl::ToChronoNanoseconds(*wait));
    const auto [error] = co_await self->schedule_.async_wait(kTuple);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (WasCancelled(state)) co_return;
    if (error) continue;  // The configuration was looked at again.
    last_attempt = self->host_.clock.Now();
    if (self->scanner_->running()) continue;
    self->StartScan("", 0).status().IgnoreError();  // Logged and counted there.
  }
}

asio::awaitable<void> Segment::ReportOnTime(SelfPtr self) {
  for (;;) {
    self->report_.expires_after(absl::ToChronoNanoseconds(limits::kReportEvery));
    co_await self->report_.async_wait(kTuple);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (WasCancelled(state)) co_return;
    self->lookout_->Tick(self->listening_since_, self->Rules());
    co_await Reporter::Flush(self->reporter_);
    const absl::Time now = self->host_.clock.Now();
    const absl::Duration since = now - self->segment_reported_at_;
    const bool changed = self->lookout_->segment_revision() != self->segment_reported_ ||
                         self->segment_due_ ||
                         (since >= limits::kPingReportEvery && !self->pings_->Reports().empty());
    if (changed && since >= limits::kSegmentReportEvery) co_await ReportSegment(self);
  }
}

// Those that the configuration names, and that it does not exclude.
std::set<std::uint32_t> Segment::PingTargets() const {
  const auto& config = host_.config.current().discovery();
  std::set<std::uint32_t> targets;
  if (!config.enabled()) return targets;
  for (const std::string& text : config.ping_targets()) {
    if (const auto address = net::ParseIpv4Address(text); address.ok()) targets.insert(*address);
    const auto& gateways = lookout_->addresses().gateways();
    if (text == "gateway") targets.insert(gateways.begin(), gateways.end());
    if (text != "devices") continue;
    for (const Device* device : table_.Latest(limits::kMaxPingTargets)) {
      if (device->address != 0 && !device->suspect) targets.insert(device->address);
    }
  }
  const ScanRules rules = RulesOf(config);
  std::erase_if(targets, [&rules](std::uint32_t address) { return rules.IsExcluded("", address); });
  return targets;
}

asio::awaitable<void> Segment::PingOnTime(SelfPtr self) {
  for (;;) {
    const absl::Status status = self->pings_->Round(self->PingTargets());
    if (!status.ok())
      self->host_.log.Warning("discovery.ping_refused", {{"reason", text::Message(status)}});
    self->ping_.expires_after(
        std::chrono::seconds(self->host_.config.current().discovery().ping_interval_s()));
    co_await self->ping_.async_wait(kTuple);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (!WasCancelled(state)) continue;
    self->pings_->Close();
    co_return;
  }
}

asio::awaitable<void> Segment::ReportSegment(SelfPtr self) {
  self->segment_due_ = false;
  self->segment_reported_at_ = self->host_.clock.Now();
  self->segment_reported_ = self->lookout_->segment_revision();
  const TopologyFacts facts = self->Facts();
  std::string body = SegmentBody(facts, BuildTopology(facts), self->pings_->Reports());
  const absl::Status status = co_await Reporter::Append(
      self->reporter_, "network.segment", "", std::move(body), event::v1::PRIORITY_INVENTORY);
  self->metrics_.Reported(status.ok() ? "stored" : "refused");
}

asio::awaitable<void> Segment::Report(SelfPtr self, ScanResult result) {
  self->last_scan_ = result.finished_at;
  self->last_result_ = {result.scan_ids.front(), result.targets, result.devices.size(),
                        result.finished_at - result.started_at};
  for (const std::string& scan_id : result.scan_ids)
    co_await Reporter::TellScan(self->reporter_, result, scan_id);
  self->segment_due_ = true;
  const absl::Status status = co_await self->store_.SaveLastScan(result.finished_at);
  self->metrics_.Stored(status.ok());
  co_await Save(self);
  co_await LookAtPorts(self, std::move(result.devices));
}

asio::awaitable<void> Segment::LookAtPorts(SelfPtr self, std::vector<wire::MacAddress> devices) {
  const auto& config = self->host_.config.current().discovery();
  const std::vector<std::string> ranges(config.ports().begin(), config.ports().end());
  auto ports = net::ParsePorts(ranges, limits::kMaxPorts);
  if (ranges.empty() || !ports.ok()) co_return;
  const ScanRules rules = RulesOf(config);
  std::vector<PortTarget> targets;
  for (const wire::MacAddress& mac : devices) {
    const Device* device = self->table_.Find(mac);
    if (device == nullptr || device->address == 0 || device->suspect) continue;
    const bool ours = rules.IsConfigured(device->interface, device->address) &&
                      !rules.IsExcluded(device->interface, device->address);
    if (!ours) continue;
    for (const Subnet& subnet : self->links_->Subnets()) {
      const bool here = subnet.interface == device->interface && subnet.Contains(device->address);
      if (!here || !subnet.has_address) continue;
      // Once, also where two networks of ours overlap.
      targets.push_back({mac, device->address, subnet.own_address});
      break;
    }
  }
  self->host_.log.Info("discovery.port_scan_started",
                       {{"devices", targets.size()}, {"ports", ports->size()}});
  // What is open is told at once, with the greetings of last time until there are new ones.
  const PortScanner::Known known = [self](const PortScanner::Found& open) {
    for (const auto& [mac, list] : open) {
      const Device* device = self->table_.Find(mac);
      if (device != nullptr) self->LearnPorts(mac, WithGreetings(list, device->ports));
    }
    self->host_.log.Info("discovery.ports_known", {{"devices", open.size()}});
  };
  const auto found =
      co_await PortScanner::Scan(self->ports_, std::move(targets), *std::move(ports), known);
  if (!found.ok()) {
    self->host_.log.Warning("discovery.port_scan_refused",
                            {{"reason", text::Message(found.status())}});
    co_return;
  }
  std::size_t open = 0;
  for (const auto& [mac, list] : *found) {
    open += list.size();
    self->LearnPorts(mac, list);
  }
  self->host_.log.Info("discovery.port_scan_finished",
                       {{"devices", found->size()}, {"open", open}});
}

void Segment::LearnPorts(const wire::MacAddress& mac, std::vector<OpenPort> ports) {
  if (table_.SetPorts(mac, std::move(ports))) reporter_->NoteChanged(mac);
}

asio::awaitable<void> Segment::SavePings(SelfPtr self) {
  self->pings_saved_at_ = self->host_.clock.Now();
  const absl::Status status = co_await self->store_.SavePings(self->pings_->Histories());
  self->metrics_.Stored(status.ok());
}

asio::awaitable<void> Segment::Save(SelfPtr self) {
  if (self->saving_) co_return;  // What is unsaved by now comes with the next one.
  self->saving_ = true;
  if (self->servers_saved_ != self->lookout_->servers().revision()) {
    const std::uint64_t revision = self->lookout_->servers().revision();
    const absl::Status servers =
        co_await self->store_.SaveServers(self->lookout_->servers().servers());
    self->metrics_.Stored(servers.ok());
    if (servers.ok()) self->servers_saved_ = revision;
  }
  // What changes meanwhile is for the next time, or a busy segment would keep this busy for ever.
  std::size_t left = self->table_.unsaved();
  absl::Status status;
  while (left > 0 && status.ok()) {
    const std::size_t part = std::min(left, limits::kMaxDevicesPerWrite);
    left -= part;
    status = co_await SavePart(self, part);
  }
  self->saving_ = false;
}

asio::awaitable<absl::Status> Segment::SavePart(SelfPtr self, std::size_t count) {
  const DeviceTable::Unsaved unsaved = self->table_.TakeUnsaved(count);
  absl::Status status = co_await self->store_.Save(unsaved);
  self->metrics_.Stored(status.ok());
  self->host_.health.Set("device_store", status.ok(), std::string(status.message()));
  if (status.ok()) {
    self->table_.OnSaved(unsaved);
  } else {
    self->table_.OnSaveFailed(unsaved);
    self->host_.log.Error("discovery.save_failed", {{"reason", text::Message(status)}});
  }
  co_return status;
}

}  // namespace tentacle::discovery
