// Where the connection to the backend stands: a table. Pure; time and randomness are arguments.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "libs/retry/backoff.h"

namespace tentacle::uplink {

enum class LinkState {
  kOffline,
  kNotEnrolled,
  kConnecting,
  kOnline,
  // Connected, but another machine speaks for this tentacle.
  kQuarantined,
  kBackingOff,
};

enum class LinkEvent {
  kIdentityMissing,  // No key, no node id or no address of a backend.
  kIdentityFound,
  kConnected,
  kConnectFailed,
  kSetApart,  // The backend says that another machine has our key.
  kLost,
};

// What the shell does next.
enum class LinkAct { kIgnore, kWaitForIdentity, kConnect, kServe, kServeOn, kWaitAndRetry };

constexpr std::array<LinkState, 6> kLinkStates = {LinkState::kOffline,     LinkState::kNotEnrolled,
                                                  LinkState::kConnecting,  LinkState::kOnline,
                                                  LinkState::kQuarantined, LinkState::kBackingOff};
constexpr std::array<LinkEvent, 6> kLinkEvents = {
    LinkEvent::kIdentityMissing, LinkEvent::kIdentityFound, LinkEvent::kConnected,
    LinkEvent::kConnectFailed,   LinkEvent::kSetApart,      LinkEvent::kLost};

std::string_view Name(LinkState state);
std::string_view Name(LinkEvent event);
std::string_view Name(LinkAct act);

struct LinkMove {
  LinkState to;
  LinkAct act;
};

// The table. A pair that is not in it stays where it is and means kIgnore.
LinkMove Next(LinkState from, LinkEvent event);

// The state with its reason, its time and the delay before the next attempt.
class LinkMachine {
 public:
  struct Step {
    LinkAct act;
    absl::Duration delay;  // Of kWaitAndRetry.
  };

  LinkMachine(retry::BackoffPolicy policy, absl::Duration stable_after);

  // `reason`: one sentence that says why; `random` in [0, 1) spreads the delay. `asked`: after
  // what time the backend wants to be looked for again.
  Step On(LinkEvent event,
          std::string reason,
          absl::Time now,
          double random,
          std::optional<absl::Duration> asked = std::nullopt);

  LinkState state() const { return state_; }

  const std::string& reason() const { return reason_; }

  absl::Time since() const { return since_; }

  // The last failed attempt or lost connection; "" when there was none.
  const std::string& last_error() const { return last_error_; }

  absl::Time last_error_at() const { return last_error_at_; }

 private:
  retry::Backoff backoff_;
  absl::Duration stable_after_;
  LinkState state_ = LinkState::kOffline;
  std::string reason_ = "not started yet";
  absl::Time since_ = absl::UnixEpoch();
  std::string last_error_;
  absl::Time last_error_at_ = absl::UnixEpoch();
};

}  // namespace tentacle::uplink
