#include "services/discovery/segment.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/text/view.h"
#include "services/discovery/core/scan_schedule.h"
#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"
#include "services/discovery/report.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

bool WasCancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

Segment::Segment(runtime::Host& host, LinkSource source)
    : host_(host),
      metrics_(host.registry),
      table_(limits::kMaxDevices),
      store_(host.store, host.blocking),
      links_(std::make_shared<SegmentLinks>(host.home, std::move(source), metrics_, host.log)),
      scanner_(
          std::make_shared<ArpScanner>(host.home, host.clock, *links_, table_, metrics_, host.log)),
      waker_(std::make_shared<WakeSender>(host.home, *links_, metrics_, host.log)),
      upkeep_(host.home),
      schedule_(host.home) {}

absl::Status Segment::Open() {
  auto loaded = store_.Load();
  if (!loaded.ok()) return loaded.status();
  if (loaded->unreadable > 0) {
    host_.log.Warning("discovery.records_unreadable", {{"count", loaded->unreadable}});
  }
  last_scan_ = loaded->last_scan;
  table_.Restore(std::move(loaded->devices));
  metrics_.SetDevices(table_.size());

  links_->OnHeard([this](const Observation& observation) { Hear(observation); });
  // Not a coroutine itself: what it starts holds the segment.
  scanner_->OnResult([self = weak_from_this()](ScanResult result) {
    return Report(self.lock(), std::move(result));
  });
  host_.health.Set("device_store", true);
  Apply();
  return absl::OkStatus();
}

void Segment::Apply() {
  const auto& config = host_.config.current().discovery();
  links_->Apply(config.enabled(), {config.interfaces().begin(), config.interfaces().end()});
  if (!config.enabled()) {
    host_.health.Set("packet_capture", true, "idle: discovery.enabled is false");
    scanner_->Stop();
  } else {
    const bool works = links_->Ready().ok() && links_->problem().empty();
    host_.health.Set("packet_capture", works, links_->problem());
  }
  schedule_.cancel();
}

void Segment::Hear(const Observation& observation) {
  scanner_->OnHeard(observation);
  const Change change = table_.Observe(observation, host_.clock.Now());
  metrics_.Observed(change.kind);
  metrics_.SetDevices(table_.size());
  if (change.forgotten.has_value()) metrics_.Forgotten();
  if (change.kind == ChangeKind::kSeenAgain) return;
  const bool appeared = change.kind == ChangeKind::kAppeared;
  host_.log.Info(appeared ? "discovery.device_appeared" : "discovery.device_moved",
                 {{"mac", change.device.mac.ToString()},
                  {"ip", AddressText(change.device.address)},
                  {"interface", change.device.interface},
                  {"vendor", change.device.vendor}});
}

absl::StatusOr<ArpScanner::Started> Segment::StartScan(std::string scan_id) {
  // An address that the host got a moment ago counts.
  Apply();
  ScanSettings settings;
  settings.probes_per_second = host_.config.current().discovery().probes_per_second();
  settings.passes = limits::kScanPasses;
  settings.reply_wait = limits::kReplyWait;
  auto started = scanner_->Start(std::move(scan_id), settings);
  if (!started.ok()) {
    host_.log.Warning("discovery.scan_refused", {{"reason", text::Message(started.status())}});
  }
  return started;
}

asio::awaitable<absl::StatusOr<std::uint32_t>> Segment::Wake(SelfPtr self,
                                                             std::string mac,
                                                             std::string command_id) {
  const auto parsed = wire::ParseMac(mac);
  if (!parsed.ok()) {
    self->metrics_.WakeRequest("refused");
    co_return parsed.status();
  }
  if (!IsDeviceMac(*parsed)) {
    self->metrics_.WakeRequest("refused");
    co_return absl::InvalidArgumentError("this MAC address is a group's, not a machine's");
  }
  const auto packets = co_await WakeSender::Wake(self->waker_, *parsed);
  if (!packets.ok()) {
    self->host_.log.Warning("discovery.wake_failed", {{"mac", parsed->ToString()},
                                                      {"reason", text::Message(packets.status())}});
    co_return packets.status();
  }
  co_await Append(self, "wake.sent", parsed->ToString(),
                  WakeSentBody(command_id, *parsed, *packets));
  co_return *packets;
}

asio::awaitable<void> Segment::KeepUp(SelfPtr self) {
  for (;;) {
    self->upkeep_.expires_after(absl::ToChronoNanoseconds(limits::kUpkeepInterval));
    co_await self->upkeep_.async_wait(kTuple);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (WasCancelled(state)) co_return;
    self->Apply();
    co_await Save(self);
  }
}

absl::Duration Segment::ScanInterval() const {
  const auto& config = host_.config.current().discovery();
  return config.enabled() ? absl::Minutes(config.scan_interval_min()) : absl::ZeroDuration();
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
    self->StartScan("").status().IgnoreError();  // Logged and counted there.
  }
}

asio::awaitable<void> Segment::Report(SelfPtr self, ScanResult result) {
  self->last_scan_ = result.finished_at;
  for (const std::string& scan_id : result.scan_ids) {
    for (std::string& body : ScanResultBodies(result, scan_id)) {
      co_await Append(self, "discovery.result", scan_id, std::move(body));
    }
  }
  const absl::Status status = co_await self->store_.SaveLastScan(result.finished_at);
  self->metrics_.Stored(status.ok());
  co_await Save(self);
}

asio::awaitable<void> Segment::Append(SelfPtr self,
                                      std::string type,
                                      std::string correlation_id,
                                      std::string body) {
  auto event = events::MakeEvent(type, correlation_id, event::v1::PRIORITY_RESULT, std::move(body),
                                 self->host_.clock.Now());
  const auto sequence = co_await self->host_.events.Append(std::move(event));
  if (sequence.ok()) co_return;  // A refusal is counted by the log.
  self->host_.log.Error(
      "discovery.event_refused",
      {{"task", correlation_id}, {"type", type}, {"reason", text::Message(sequence.status())}});
}

asio::awaitable<void> Segment::Save(SelfPtr self) {
  if (self->saving_) co_return;  // What is unsaved by now comes with the next one.
  const DeviceTable::Unsaved unsaved = self->table_.TakeUnsaved();
  if (unsaved.empty()) co_return;
  self->saving_ = true;
  const absl::Status status = co_await self->store_.Save(unsaved);
  self->saving_ = false;
  self->metrics_.Stored(status.ok());
  if (status.ok()) {
    self->table_.OnSaved(unsaved);
    self->host_.health.Set("device_store", true);
    co_return;
  }
  self->table_.OnSaveFailed(unsaved);
  self->host_.health.Set("device_store", false, std::string(status.message()));
  self->host_.log.Error("discovery.save_failed", {{"reason", text::Message(status)}});
}

}  // namespace tentacle::discovery
