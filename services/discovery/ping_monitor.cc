#include "services/discovery/ping_monitor.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/wire/icmp.h"
#include "libs/wire/ipv4.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;
using asio::ip::icmp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

PingMonitor::PingMonitor(asio::any_io_executor home, const runtime::Clock& clock, Metrics& metrics)
    : home_(home),
      clock_(clock),
      metrics_(metrics),
      socket_(home),
      id_(static_cast<std::uint16_t>(::getpid())) {}

absl::Status PingMonitor::Open() {
  if (socket_.is_open()) return absl::OkStatus();
  boost::system::error_code error;
  socket_.open(icmp::v4(), error);
  if (error) return absl::PermissionDeniedError("pinging needs CAP_NET_RAW: " + error.message());
  socket_.non_blocking(true, error);
  asio::co_spawn(home_, Listen(shared_from_this()), asio::detached);
  return absl::OkStatus();
}

void PingMonitor::Restore(const std::map<std::uint32_t, PingHistory>& histories) {
  for (const auto& [address, history] : histories) {
    if (targets_.size() < limits::kMaxPingTargets) targets_[address].history = history;
  }
}

std::map<std::uint32_t, PingHistory> PingMonitor::Histories() const {
  std::map<std::uint32_t, PingHistory> histories;
  for (const auto& [address, target] : targets_)
    histories.emplace(address, target.history);
  return histories;
}

// A gateway that is away for a moment and a device that moved keep their week.
void PingMonitor::MakeRoom(const std::set<std::uint32_t>& targets) {
  const absl::Time now = clock_.Now();
  for (auto& [address, target] : targets_) {
    // Nobody waits for the answer any more, so nobody counts it as lost either.
    if (!targets.contains(address)) target.waiting = false;
  }
  std::size_t room = limits::kMaxPingTargets - std::min(limits::kMaxPingTargets, targets.size());
  for (auto entry = targets_.begin(); entry != targets_.end();) {
    const bool wanted = targets.contains(entry->first);
    const bool kept = wanted || (room > 0 && !entry->second.history.IsOver(now));
    if (!wanted && kept) --room;
    entry = kept ? std::next(entry) : targets_.erase(entry);
  }
}

absl::Status PingMonitor::Round(const std::set<std::uint32_t>& targets) {
  MakeRoom(targets);
  if (targets.empty()) {
    Close();
    return absl::OkStatus();
  }
  if (absl::Status status = Open(); !status.ok()) return status;
  for (const std::uint32_t address : targets) {
    if (targets_.size() == limits::kMaxPingTargets && !targets_.contains(address)) continue;
    Send(address, targets_[address]);
  }
  return absl::OkStatus();
}

void PingMonitor::Send(std::uint32_t address, Target& target) {
  if (target.waiting) {
    target.history.OnResult(false, absl::ZeroDuration(), clock_.Now());
    metrics_.Pinged("lost");
  }
  const wire::Buffer echo = wire::EmitIcmpEcho({false, id_, ++target.sequence});
  boost::system::error_code error;
  socket_.send_to(asio::buffer(echo), {asio::ip::address_v4(address), 0}, 0, error);
  metrics_.Pinged(error ? "failed" : "sent");
  // What this host could not send says nothing about the other.
  target.waiting = !error;
  target.sent = clock_.Now();
}

asio::awaitable<void> PingMonitor::Listen(SelfPtr self) {
  std::vector<std::uint8_t> buffer(limits::kCaptureBytes);
  icmp::endpoint from;
  while (self->socket_.is_open()) {
    const auto [error, size] =
        co_await self->socket_.async_receive_from(asio::buffer(buffer), from, kTuple);
    if (error == asio::error::operation_aborted) co_return;
    if (error) continue;
    std::vector<std::uint8_t> packet(buffer.begin(),
                                     buffer.begin() + static_cast<std::ptrdiff_t>(size));
    self->Hear(packet, from.address().to_v4().to_uint());
  }
}

void PingMonitor::Hear(std::vector<std::uint8_t>& packet, std::uint32_t from) {
  const auto ip = wire::ParseIpv4(packet);
  if (!ip.ok()) return;
  const auto echo = wire::ParseIcmpEcho(ip->payload);
  if (!echo.ok() || !echo->reply || echo->id != id_) return;
  const auto found = targets_.find(from);
  if (found == targets_.end() || !found->second.waiting || echo->sequence != found->second.sequence)
    return;
  Target& target = found->second;
  target.waiting = false;
  const absl::Time now = clock_.Now();
  target.history.OnResult(true, std::max(absl::ZeroDuration(), now - target.sent), now);
  metrics_.Pinged("answered");
}

std::optional<Availability> PingMonitor::Find(std::uint32_t address) const {
  const auto found = targets_.find(address);
  if (found == targets_.end()) return std::nullopt;
  return found->second.history.At(clock_.Now());
}

std::vector<PingReport> PingMonitor::Reports() const {
  std::vector<PingReport> reports;
  for (const auto& [address, target] : targets_) {
    const Availability availability = target.history.At(clock_.Now());
    if (availability.hour_percent) reports.push_back({address, availability});
  }
  return reports;
}

void PingMonitor::Close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace tentacle::discovery
