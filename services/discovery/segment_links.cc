#include "services/discovery/segment_links.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "libs/net/interfaces.h"
#include "libs/text/view.h"
#include "libs/wire/arp.h"
#include "libs/wire/ethernet.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

absl::StatusOr<std::vector<LocalAddress>> ListLocalAddresses() {
  const auto listed = net::ListInterfacesAndAddresses();
  if (!listed.ok()) return listed.status();
  std::vector<LocalAddress> addresses;
  for (const net::InterfaceAddress& one : *listed) {
    addresses.push_back({one.name, one.index, wire::MacAddress{one.mac}, one.address,
                         one.prefix_length, one.loopback});
  }
  return addresses;
}

bool SameDevice(const WatchedInterface& a, const WatchedInterface& b) {
  return a.name == b.name && a.index == b.index && a.mac == b.mac;
}

}  // namespace

LinkSource KernelLinks(asio::any_io_executor home) {
  return {&ListLocalAddresses, [home](const std::string& name) {
            return PacketLink::OpenPcap(home, name, kCaptureFilter);
          }};
}

SegmentLinks::SegmentLinks(asio::any_io_executor home,
                           LinkSource source,
                           Metrics& metrics,
                           runtime::Log log)
    : home_(std::move(home)), source_(std::move(source)), metrics_(metrics), log_(std::move(log)) {}

void SegmentLinks::Apply(bool enabled,
                         const std::vector<std::string>& wanted,
                         const std::vector<NetworkRule>& unnumbered) {
  enabled_ = enabled;
  std::vector<std::string> problems;
  watched_.clear();
  if (enabled) {
    const auto addresses = source_.list_addresses();
    if (addresses.ok()) {
      InterfaceChoice choice = ChooseInterfaces(*addresses, wanted, unnumbered);
      watched_ = std::move(choice.watched);
      problems = std::move(choice.problems);
    } else {
      problems.emplace_back(text::Message(addresses.status()));
    }
  }
  CloseStale();
  for (const WatchedInterface& interface : watched_) {
    const absl::Status status = OpenLink(interface);
    if (!status.ok()) problems.emplace_back(text::Message(status));
  }
  metrics_.SetLinks(open_.size());
  SetProblem(fmt::format("{}", fmt::join(problems, "; ")));
}

void SegmentLinks::CloseStale() {
  for (auto entry = open_.begin(); entry != open_.end();) {
    Open& open = *entry->second;
    const auto is_same = [&open](const WatchedInterface& w) {
      return SameDevice(w, open.interface);
    };
    const auto still = std::find_if(watched_.begin(), watched_.end(), is_same);
    if (still != watched_.end() && !open.broken) {
      open.interface.subnets = still->subnets;
      metrics_.CaptureLost(open.link->TakeLost());
      ++entry;
      continue;
    }
    log_.Info("discovery.link_closed", {{"interface", entry->first}});
    open.link->Close();
    entry = open_.erase(entry);
  }
}

absl::Status SegmentLinks::OpenLink(const WatchedInterface& interface) {
  if (open_.contains(interface.name)) return absl::OkStatus();
  auto link = source_.open(interface.name);
  if (!link.ok()) return link.status();
  auto open = std::make_shared<Open>();
  open->interface = interface;
  open->link = *std::move(link);
  open_.emplace(interface.name, open);
  log_.Info("discovery.link_opened",
            {{"interface", interface.name}, {"mac", interface.mac.ToString()}});
  asio::co_spawn(home_, Listen(shared_from_this(), std::move(open)), asio::detached);
  return absl::OkStatus();
}

void SegmentLinks::SetProblem(std::string problem) {
  if (problem == problem_) return;
  problem_ = std::move(problem);
  if (!problem_.empty()) log_.Warning("discovery.capture_problem", {{"reason", problem_}});
}

void SegmentLinks::Close() {
  Apply(false, {});
  heard_ = nullptr;
}

asio::awaitable<void> SegmentLinks::Listen(SelfPtr self, OpenPtr open) {
  for (;;) {
    const auto frame = co_await open->link->Receive();
    if (!frame.ok()) {
      // Reopened by the next Apply() if the interface is there again.
      open->broken = true;
      if (!absl::IsCancelled(frame.status())) {
        self->log_.Warning("discovery.link_broken", {{"reason", text::Message(frame.status())}});
      }
      co_return;
    }
    self->Hear(*frame, open->interface);
  }
}

void SegmentLinks::Hear(wire::Bytes frame, const WatchedInterface& on) {
  const FrameReport report = ObserveFrame(frame, on);
  if (report.dropped) return metrics_.Dropped(*report.dropped);
  metrics_.Heard(report.protocol);
  if (report.arp_reply) metrics_.Replied();
  if (heard_) heard_(report);
}

absl::Status SegmentLinks::Ready() const {
  if (!enabled_) {
    return absl::FailedPreconditionError("discovery is switched off (discovery.enabled is false)");
  }
  const auto works = [](const auto& entry) { return !entry.second->broken; };
  if (std::any_of(open_.begin(), open_.end(), works)) return absl::OkStatus();
  if (problem_.empty()) return absl::FailedPreconditionError("the watched interface has gone away");
  return absl::FailedPreconditionError(problem_);
}

std::vector<Subnet> SegmentLinks::Subnets() const {
  std::vector<Subnet> subnets;
  for (const auto& [name, open] : open_) {
    if (open->broken) continue;
    const auto& own = open->interface.subnets;
    subnets.insert(subnets.end(), own.begin(), own.end());
  }
  return subnets;
}

absl::Status SegmentLinks::Send(std::string_view interface, std::span<const std::uint8_t> frame) {
  const auto found = open_.find(interface);
  if (found == open_.end()) {
    return absl::NotFoundError(fmt::format("interface {} is not listened on", interface));
  }
  return found->second->link->Send(frame);
}

absl::Status SegmentLinks::Send(const Probe& probe) {
  const auto found = open_.find(probe.interface);
  if (found == open_.end()) {
    return absl::NotFoundError(fmt::format("interface {} is not listened on", probe.interface));
  }
  const wire::MacAddress own = found->second->interface.mac;
  wire::ArpMessage arp;
  arp.operation = wire::ArpOperation::kRequest;
  arp.sender_mac = own;
  arp.sender_ip = probe.sender;
  arp.target_ip = probe.target;
  return found->second->link->Send(
      wire::EmitEthernet({wire::kBroadcastMac, own, wire::kEthertypeArp, wire::EmitArp(arp)}));
}

}  // namespace tentacle::discovery
