#include "services/discovery/segment.h"

#include <algorithm>
#include <utility>

#include "libs/net/interfaces.h"
#include "libs/net/network.h"
#include "libs/text/view.h"
#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"
#include "services/discovery/report.h"
#include "services/discovery/scan_rules.h"

namespace tentacle::discovery {

namespace asio = boost::asio;

absl::StatusOr<wire::Buffer> ParseWakePassword(const std::string& text) {
  if (text.empty()) return wire::Buffer{};
  if (const auto six = wire::ParseMac(text); six.ok())
    return wire::Buffer(six->octets.begin(), six->octets.end());
  const auto four = net::ParseIpv4Address(text);
  if (!four.ok())
    return absl::InvalidArgumentError(
        "the password: want six octets like a MAC or four like an address");
  wire::Buffer octets;
  for (int shift = 24; shift >= 0; shift -= 8)
    octets.push_back(static_cast<std::uint8_t>(*four >> shift));
  return octets;
}

Segment::Segment(runtime::Host& host, LinkSource source)
    : host_(host),
      metrics_(host.registry),
      table_(limits::kMaxDevices),
      store_(host.store, host.blocking),
      links_(std::make_shared<SegmentLinks>(host.home, std::move(source), metrics_, host.log)),
      scanner_(
          std::make_shared<ArpScanner>(host.home, host.clock, *links_, table_, metrics_, host.log)),
      waker_(std::make_shared<WakeSender>(host.home, *links_, metrics_, host.log)),
      reporter_(std::make_shared<Reporter>(host, table_, metrics_)),
      lookout_(std::make_unique<Lookout>(host.clock, table_, *reporter_, metrics_, host.log)),
      wakes_(std::make_shared<WakeWatch>(
          host.home, host.clock, *links_, table_, *reporter_, host.log)),
      ports_(std::make_shared<PortScanner>(host.home, metrics_)),
      pings_(std::make_shared<PingMonitor>(host.home, host.clock, metrics_)),
      upkeep_(host.home),
      schedule_(host.home),
      report_(host.home),
      ping_(host.home) {}

absl::Status Segment::Open() {
  auto loaded = store_.Load();
  if (!loaded.ok()) return loaded.status();
  if (absl::Status status = reporter_->Open(); !status.ok()) return status;
  if (loaded->unreadable > 0) {
    host_.log.Warning("discovery.records_unreadable", {{"count", loaded->unreadable}});
  }
  last_scan_ = loaded->last_scan;
  table_.Restore(std::move(loaded->devices));
  lookout_->RestoreServers(std::move(loaded->servers));
  pings_->Restore(loaded->pings);
  pings_saved_at_ = host_.clock.Now();
  metrics_.SetDevices(table_.size());

  lookout_->OnDevice([this](const Observation& observation) {
    wakes_->OnHeard(observation);
    return scanner_->OnHeard(observation);
  });
  links_->OnHeard([this](const FrameReport& report) { lookout_->Hear(report); });
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
  const ScanRules rules = RulesOf(config);
  links_->Apply(config.enabled(), {config.interfaces().begin(), config.interfaces().end()},
                UnnumberedNetworks(rules));
  const auto gateways = net::DefaultGateways();
  lookout_->SetGateways({gateways.begin(), gateways.end()});
  lookout_->SetListedServers(ListedServers(config));
  wakes_->SetRules(rules);
  const bool listening = links_->Ready().ok();
  if (!listening) listening_since_ = absl::InfiniteFuture();
  if (listening) listening_since_ = std::min(listening_since_, host_.clock.Now());
  if (!config.enabled()) {
    host_.health.Set("packet_capture", true, "idle: discovery.enabled is false");
    scanner_->Stop();
  } else {
    const bool works = listening && links_->problem().empty();
    host_.health.Set("packet_capture", works, links_->problem());
  }
  schedule_.cancel();
}

absl::StatusOr<ArpScanner::Started> Segment::StartScan(std::string scan_id,
                                                       std::uint32_t probes_per_second) {
  // An address that the host got a moment ago counts.
  Apply();
  const auto& config = host_.config.current().discovery();
  ScanSettings settings;
  settings.probes_per_second =
      probes_per_second == 0 ? config.probes_per_second() : probes_per_second;
  settings.passes = limits::kMinScanPasses;
  settings.max_passes = limits::kMaxScanPasses;
  settings.expected_misses = limits::kExpectedMisses;
  settings.reply_wait = limits::kReplyWait;
  settings.pass_wait = limits::kPassWait;
  settings.repeat_wait = limits::kRepeatWait;
  settings.rules = RulesOf(config);
  auto started = scanner_->Start(std::move(scan_id), std::move(settings));
  if (!started.ok()) {
    host_.log.Warning("discovery.scan_refused", {{"reason", text::Message(started.status())}});
  }
  return started;
}

TopologyFacts Segment::Facts() const {
  TopologyFacts facts;
  const auto& name = host_.config.current().node().name();
  facts.tentacle = name.empty() ? "tentacle" : name;
  facts.interfaces = links_->watched();
  facts.gateways = lookout_->addresses().gateways();
  facts.devices = table_.Latest(limits::kMaxListedDevices);
  facts.neighbours = lookout_->neighbours().all();
  facts.dhcp_servers = lookout_->servers().servers();
  facts.now = host_.clock.Now();
  return facts;
}

// A tentacle is no amplifier: it wakes who was heard here, and not faster than a person would.
absl::StatusOr<wire::MacAddress> Segment::AdmitWake(const std::string& mac) {
  const auto parsed = wire::ParseMac(mac);
  if (!parsed.ok()) return parsed.status();
  if (!IsDeviceMac(*parsed)) {
    return absl::InvalidArgumentError("this MAC address is a group's, not a machine's");
  }
  if (table_.Find(*parsed) == nullptr) {
    return absl::NotFoundError(parsed->ToString() + " was never heard on this segment");
  }
  if (absl::Status status = wakes_->Admit(*parsed); !status.ok()) return status;
  return *parsed;
}

asio::awaitable<absl::StatusOr<std::uint32_t>> Segment::Wake(SelfPtr self, WakeOrder order) {
  auto password = ParseWakePassword(order.password);
  const auto mac = password.ok() ? self->AdmitWake(order.mac) : password.status();
  if (!mac.ok()) {
    self->metrics_.WakeRequest("refused");
    co_return mac.status();
  }
  const bool awake = co_await WakeWatch::IsAwake(self->wakes_, *mac);
  const auto sent = co_await WakeSender::Wake(self->waker_, *mac, *std::move(password));
  if (!sent.ok()) {
    self->host_.log.Warning("discovery.wake_failed",
                            {{"mac", mac->ToString()}, {"reason", text::Message(sent.status())}});
    co_return sent.status();
  }
  const absl::Status told =
      co_await Reporter::Append(self->reporter_, "wake.sent", mac->ToString(),
                                WakeSentBody(order.command_id, *mac, sent->packets));
  told.IgnoreError();  // Logged there; the packets are out all the same.
  self->wakes_->Start({order.command_id, *mac, "", absl::ZeroDuration(), "", sent->methods}, awake);
  co_return sent->packets;
}

absl::Duration Segment::ScanInterval() const {
  const auto& config = host_.config.current().discovery();
  return config.enabled() ? absl::Minutes(config.scan_interval_min()) : absl::ZeroDuration();
}

// Without timed sweeps only those are heard who speak by themselves.
PresenceRules Segment::Rules() const {
  const absl::Duration interval = ScanInterval();
  PresenceRules rules;
  rules.gone_after = interval == absl::ZeroDuration() ? limits::kGoneWithoutSweeps
                                                      : 2 * interval + absl::Minutes(5);
  return rules;
}

}  // namespace tentacle::discovery
