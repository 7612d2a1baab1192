// What a neighbour may cost a service, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include <absl/time/time.h>

namespace tentacle::rpc::limits {

// A page of events is 1 MiB, a table of boot tasks at its limit below 3 MiB.
constexpr int kMaxMessageBytes = 4 << 20;
// Of all connections of one server together; gRPC slows reading down at it.
constexpr std::size_t kMaxMemoryBytes = 64 << 20;
// Calls under way in one connection: uplink has at most a dozen.
constexpr int kMaxConcurrentStreams = 128;
// Headers are method names and a deadline.
constexpr int kMaxHeaderBytes = 8 << 10;
// A neighbour that is refused is told why, within this.
constexpr auto kDenialTime = std::chrono::seconds(2);
constexpr std::size_t kMaxDenialBytes = 64 << 10;
// Refused neighbours that are being told at the same time; further ones are closed at once.
constexpr int kMaxDenials = 16;
// When no descriptor is left for a new connection, this long nothing is accepted.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// A call ends by gRPC's own timer, and by ours that much later when gRPC's stands still.
constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(500);
constexpr auto kShutdownGrace = std::chrono::seconds(1);

}  // namespace tentacle::rpc::limits
