#include "services/uplink/config_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/uplink/core/reports.h"
#include "services/uplink/limits.h"
#include "services/uplink/together.h"

namespace tentacle::uplink {

namespace asio = boost::asio;

ConfigTrial::ConfigTrial(Parts parts) : parts_(std::move(parts)), changed_(parts_.home) {}

asio::awaitable<absl::Status> ConfigTrial::Run() {
  for (;;) {
    const Verdict verdict = Judge();
    if (verdict == Verdict::kReconnect) {
      reconnected_for_ = parts_.desired.state().configs.current()->since;
      connected_before_ = parts_.link.machine().since();
      parts_.link.Reconnect();
    } else if (verdict != Verdict::kWait) {
      auto settle = Settle(verdict);
      co_await Shield(parts_.home, std::move(settle));
    }
    const bool on_trial = parts_.desired.state().configs.on_trial();
    co_await changed_.Wait(on_trial ? limits::kConfigTrialLook : absl::InfiniteDuration());
  }
}

absl::Duration ConfigTrial::TriedFor(absl::Time since) {
  if (timed_ != since) {
    // It may go on after a restart: how long it has lasted by then only the clock knows.
    const absl::Duration before = std::clamp(parts_.clock.Now() - since, absl::ZeroDuration(),
                                             absl::Duration(limits::kConfigTrial));
    began_ = parts_.clock.Steady() - before;
    timed_ = since;
  }
  return parts_.clock.Steady() - began_;
}

ConfigTrial::Verdict ConfigTrial::Judge() {
  const DesiredState& state = parts_.desired.state();
  if (!state.configs.on_trial()) return Verdict::kWait;
  const absl::Time since = state.configs.current()->since;
  if (TriedFor(since) >= limits::kConfigTrial) return Verdict::kFailed;
  // A connection proves something only if it was made with the new configuration.
  const bool in_force =
      parts_.peers.view(Service::kUplink).pushed_config_revision >= state.config_revision;
  if (!in_force) return Verdict::kWait;
  if (reconnected_for_ != since) return Verdict::kReconnect;
  const LinkMachine& machine = parts_.link.machine();
  const bool proven = machine.state() == LinkState::kOnline && machine.since() != connected_before_;
  return proven ? Verdict::kProven : Verdict::kWait;
}

asio::awaitable<void> ConfigTrial::Settle(Verdict verdict) {
  const ConfigVersion version = *parts_.desired.state().configs.current();
  const absl::Time now = parts_.clock.Now();
  const bool proven = verdict == Verdict::kProven;
  const std::string reason = proven ? ""
                                    : fmt::format("no connection within {} with it: {}",
                                                  absl::FormatDuration(limits::kConfigTrial),
                                                  parts_.link.machine().reason());
  const auto sequence = co_await parts_.events.Append(
      ConfigResult(version.revision, proven ? "applied" : "reverted", reason, now));
  if (!sequence.ok()) {
    parts_.metrics.StoreFailed("event");
    co_return;
  }
  auto compute = [proven, reason, now](const DesiredState& state) {
    return proven ? ConfirmConfig(state, now) : RevertConfig(state, reason, now);
  };
  auto commit = parts_.desired.Commit(std::move(compute), std::nullopt, std::nullopt);
  const auto change = co_await std::move(commit);
  if (!change.ok()) {
    parts_.metrics.StoreFailed("desired");
    co_return;
  }
  parts_.metrics.Config(proven ? "confirmed" : "reverted");
  if (proven) {
    parts_.log.Info("uplink.config_confirmed", {{"revision", version.revision}});
  } else {
    parts_.log.Error("uplink.config_reverted",
                     {{"revision", version.revision}, {"reason", reason}});
    on_revert_();
  }
}

}  // namespace tentacle::uplink
