#include "services/uplink/core/link_state.h"

#include <utility>

namespace tentacle::uplink {

namespace {

struct Transition {
  LinkState from;
  LinkEvent on;
  LinkState to;
  LinkAct act;
};

using enum LinkState;
using enum LinkEvent;
using enum LinkAct;

// clang-format off
constexpr Transition kTransitions[] = {
    // from        on                to            then
    {kOffline,     kIdentityMissing, kNotEnrolled, kWaitForIdentity},
    {kOffline,     kIdentityFound,   kConnecting,  kConnect},
    {kNotEnrolled, kIdentityMissing, kNotEnrolled, kWaitForIdentity},
    {kNotEnrolled, kIdentityFound,   kConnecting,  kConnect},
    {kConnecting,  kConnected,       kOnline,      kServe},
    {kConnecting,  kConnectFailed,   kBackingOff,  kWaitAndRetry},
    {kOnline,      kSetApart,        kQuarantined, kServeOn},
    {kOnline,      kLost,            kBackingOff,  kWaitAndRetry},
    {kQuarantined, kLost,            kBackingOff,  kWaitAndRetry},
    {kBackingOff,  kIdentityFound,   kConnecting,  kConnect},
    {kBackingOff,  kIdentityMissing, kNotEnrolled, kWaitForIdentity},
};
// clang-format on

}  // namespace

std::string_view Name(LinkState state) {
  switch (state) {
    case kOffline:
      return "offline";
    case kNotEnrolled:
      return "not-enrolled";
    case kConnecting:
      return "connecting";
    case kOnline:
      return "online";
    case kQuarantined:
      return "quarantined";
    case kBackingOff:
      return "backing-off";
  }
  return "";
}

std::string_view Name(LinkEvent event) {
  switch (event) {
    case kIdentityMissing:
      return "identity-missing";
    case kIdentityFound:
      return "identity-found";
    case kConnected:
      return "connected";
    case kConnectFailed:
      return "connect-failed";
    case kSetApart:
      return "set-apart";
    case kLost:
      return "lost";
  }
  return "";
}

std::string_view Name(LinkAct act) {
  switch (act) {
    case kIgnore:
      return "ignore";
    case kWaitForIdentity:
      return "wait-for-identity";
    case kConnect:
      return "connect";
    case kServe:
      return "serve";
    case kServeOn:
      return "serve-on";
    case kWaitAndRetry:
      return "wait-and-retry";
  }
  return "";
}

LinkMove Next(LinkState from, LinkEvent event) {
  for (const Transition& row : kTransitions) {
    if (row.from == from && row.on == event) return {row.to, row.act};
  }
  return {from, kIgnore};
}

LinkMachine::LinkMachine(retry::BackoffPolicy policy, absl::Duration stable_after)
    : backoff_(policy), stable_after_(stable_after) {}

LinkMachine::Step LinkMachine::On(LinkEvent event,
                                  std::string reason,
                                  absl::Time now,
                                  double random,
                                  std::optional<absl::Duration> asked) {
  const LinkMove move = Next(state_, event);
  if (move.act == kIgnore) return {kIgnore, absl::ZeroDuration()};
  if (event == kLost && now - since_ >= stable_after_) backoff_.Reset();
  if (move.to != state_) since_ = now;
  state_ = move.to;
  reason_ = std::move(reason);
  if (event == kConnectFailed || event == kLost || event == kSetApart) {
    last_error_ = reason_;
    last_error_at_ = now;
  }
  if (move.act != kWaitAndRetry) return {move.act, absl::ZeroDuration()};
  const absl::Duration own = backoff_.Next(random);
  if (!asked) return {move.act, own};
  // Said at the end of a connection that worked: the slot is ours. Said in a refusal: it is the
  // same for everybody, so it comes on top of our own spread.
  return {move.act, event == kLost ? *asked : *asked + own};
}

}  // namespace tentacle::uplink
