#include "services/discovery/wake_watch.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kWaiting[] = "waiting";

}  // namespace

WakeWatch::WakeWatch(asio::any_io_executor home,
                     const runtime::Clock& clock,
                     SegmentLinks& links,
                     DeviceTable& table,
                     Reporter& reporter,
                     runtime::Log log)
    : home_(std::move(home)),
      clock_(clock),
      links_(links),
      table_(table),
      reporter_(reporter),
      log_(std::move(log)) {}

absl::Status WakeWatch::Admit(const wire::MacAddress& mac) {
  const absl::Time now = clock_.Now();
  const auto found = watches_.find(mac);
  const absl::Time last = found == watches_.end() ? absl::InfinitePast() : found->second->started;
  if (absl::Status status = allowance_.Take(last, now); !status.ok()) return status;
  // A watch that is under way for this MAC ends unheard: the new one tells.
  if (found != watches_.end()) {
    found->second->timer->cancel();
  } else {
    MakeRoom();
  }
  auto watch = std::make_shared<Watch>();
  watch->outcome.mac = mac;
  watch->outcome.state = kWaiting;
  watch->started = now;
  watch->timer = std::make_shared<asio::steady_timer>(home_);
  watches_[mac] = std::move(watch);
  return absl::OkStatus();
}

void WakeWatch::MakeRoom() {
  if (watches_.size() < limits::kMaxWakes) return;
  const auto older = [](const auto& a, const auto& b) {
    return a.second->started < b.second->started;
  };
  const auto oldest = std::min_element(watches_.begin(), watches_.end(), older);
  oldest->second->timer->cancel();
  watches_.erase(oldest);
}

asio::awaitable<bool> WakeWatch::IsAwake(SelfPtr self, wire::MacAddress mac) {
  const auto found = self->watches_.find(mac);
  if (found == self->watches_.end()) co_return false;
  const WatchPtr watch = found->second;
  self->Ask(mac);
  watch->timer->expires_after(absl::ToChronoNanoseconds(limits::kWakeAskFirst));
  co_await watch->timer->async_wait(kTuple);
  co_return std::exchange(watch->heard, false);
}

void WakeWatch::Start(WakeOutcome outcome, bool was_awake) {
  const auto found = watches_.find(outcome.mac);
  if (found == watches_.end()) return;
  Watch& watch = *found->second;
  watch.outcome = std::move(outcome);
  watch.outcome.state = kWaiting;
  watch.sent = clock_.Now();
  if (was_awake) return Conclude(watch, "was-awake");
  asio::co_spawn(home_, Run(shared_from_this(), found->second), asio::detached);
}

asio::awaitable<void> WakeWatch::Run(SelfPtr self, WatchPtr watch) {
  const absl::Time until = watch->sent + limits::kWakeWatch;
  while (!watch->heard && self->clock_.Now() < until && !self->stopped_) {
    self->Ask(watch->outcome.mac);
    watch->timer->expires_after(absl::ToChronoNanoseconds(limits::kWakeProbeEvery));
    co_await watch->timer->async_wait(kTuple);
    const auto current = self->watches_.find(watch->outcome.mac);
    if (current == self->watches_.end() || current->second != watch) co_return;
  }
  if (!self->stopped_) self->Conclude(*watch, watch->heard ? "woke" : "silent");
}

void WakeWatch::Ask(const wire::MacAddress& mac) {
  const Device* device = table_.Find(mac);
  if (device == nullptr || device->address == 0) return;
  if (rules_.IsExcluded(device->interface, device->address)) return;
  for (const Subnet& subnet : links_.Subnets()) {
    if (subnet.interface != device->interface || !subnet.Contains(device->address)) continue;
    const std::uint32_t sender = subnet.has_address ? subnet.own_address : 0;
    links_.Send(Probe{subnet.interface, sender, device->address})
        .IgnoreError();  // Asked again soon.
  }
}

void WakeWatch::OnHeard(const Observation& observation) {
  const auto found = watches_.find(observation.mac);
  if (found == watches_.end() || found->second->outcome.state != kWaiting) return;
  Watch& watch = *found->second;
  if (watch.heard) return;
  watch.heard = true;
  watch.outcome.evidence = std::string(SourceName(observation.source));
  watch.outcome.after = std::max(absl::ZeroDuration(), clock_.Now() - watch.sent);
  watch.timer->cancel();
}

void WakeWatch::Conclude(Watch& watch, std::string state) {
  watch.outcome.state = std::move(state);
  const WakeOutcome& outcome = watch.outcome;
  const bool woke = outcome.state == "woke";
  // Who was awake says nothing about the method.
  for (const std::string& method : outcome.methods) {
    if (outcome.state != "was-awake") table_.CountWake(outcome.mac, method, woke);
  }
  reporter_.NoteChanged(outcome.mac);
  log_.Info("discovery.wake_result", {{"mac", outcome.mac.ToString()},
                                      {"task", outcome.command_id},
                                      {"state", outcome.state},
                                      {"after_ms", absl::ToInt64Milliseconds(outcome.after)}});
  reporter_.Tell("wake.result", outcome.mac.ToString(), WakeResultBody(outcome));
}

const WakeOutcome* WakeWatch::Find(const wire::MacAddress& mac) const {
  const auto found = watches_.find(mac);
  return found == watches_.end() ? nullptr : &found->second->outcome;
}

void WakeWatch::Stop() {
  stopped_ = true;
  for (const auto& [mac, watch] : watches_)
    watch->timer->cancel();
}

}  // namespace tentacle::discovery
