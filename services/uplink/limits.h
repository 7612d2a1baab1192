// Every limit of uplink, with its reason.
#pragma once

#include <cstddef>

#include <absl/time/time.h>

#include "libs/retry/backoff.h"

namespace tentacle::uplink::limits {

// Unacknowledged events on the wire, of all services together, while the backend grants nothing
// else: a full line, yet little is repeated after a break.
constexpr std::size_t kDefaultWindow = 64;
// However much the backend grants: so many events of a service are held in memory at once.
constexpr std::size_t kMaxWindow = 256;
// A backend commits within milliseconds. One that is silent for so long after the first message
// with an id knows no acknowledgements.
constexpr absl::Duration kPlainPeerAfter = absl::Seconds(10);
// A backend that did acknowledge and stopped: nothing is repeated within a connection, so a new one
// is made.
constexpr absl::Duration kAckStall = absl::Minutes(2);

// A long poll, below the 30 s that the services allow; the deadline leaves room for a slow disk.
constexpr absl::Duration kFetchWait = absl::Seconds(20);
constexpr absl::Duration kFetchDeadline = absl::Seconds(30);
// Frames of the live channel on their way to the agent: what the backend may have under way for all
// shells together (64 KiB each), with room.
constexpr std::size_t kMaxLiveBytes = 2 * 1024 * 1024;
// Every other call stays on this host; what takes longer hangs.
constexpr absl::Duration kCallDeadline = absl::Seconds(10);
// Whole tables are pushed again so often even if nobody asked: it heals whatever went wrong.
constexpr absl::Duration kPushInterval = absl::Seconds(30);
// A neighbour that restarts is back within a second or two.
constexpr retry::BackoffPolicy kPeerBackoff{absl::Milliseconds(200), absl::Seconds(2)};

// A line that is slow or breaks now and then connects within it; one that cannot connect at all is
// not left to itself for long.
constexpr absl::Duration kConfigTrial = absl::Minutes(2);
constexpr absl::Duration kConfigTrialLook = absl::Seconds(5);

// The throughput of the line: soon enough to be seen after an installation, rarely enough to be no
// load: 64 KiB an hour, 1 MiB more where 64 KiB arrive too fast to be timed.
constexpr absl::Duration kProbeFirst = absl::Minutes(5);
constexpr absl::Duration kProbeInterval = absl::Hours(1);
constexpr std::size_t kProbeBytes = 64 * 1024;
constexpr std::size_t kProbeBytesOfAFastLine = 1024 * 1024;
constexpr absl::Duration kProbeTooFast = absl::Milliseconds(100);

// The backend allows a minute of skew in a token (libs/identity); half of it is left for the way.
constexpr absl::Duration kClockTolerance = absl::Seconds(30);

constexpr absl::Duration kStatusInterval = absl::Seconds(60);
// A service that comes and goes costs a snapshot a second, no more; the backend knows it well
// within 5 s.
constexpr absl::Duration kStatusSettle = absl::Seconds(1);
// A connection that held so long was a good one: the next delay is the shortest again.
constexpr absl::Duration kStableAfter = absl::Minutes(1);
// Until the key and the node id of an enrollment are there.
constexpr absl::Duration kIdentityRecheck = absl::Seconds(2);

// A frame has 1 MiB, so one sync carries fewer; a branch installs some dozens at a time.
constexpr std::size_t kMaxTasks = 1000;
// From so many on, those that have ended are let go.
constexpr std::size_t kTidyTasksFrom = 750;
// gRPC takes messages of 4 MiB; the rest is room for its own framing.
constexpr std::size_t kMaxTaskTableBytes = 3 * 1024 * 1024;
// Commands wait for a service that is down; more than this is not a person's work.
constexpr std::size_t kMaxPendingCommands = 1000;
// Ids of messages that were taken already; the backend has at most 64 of them in flight.
constexpr std::size_t kSeenIds = 1000;
// Types that are logged once each; a hostile backend must not fill the memory with names.
constexpr std::size_t kLoggedUnknownTypes = 64;
// Refusals by pxe that were reported up already (they come back with every push).
constexpr std::size_t kReportedRefusals = 1000;

}  // namespace tentacle::uplink::limits
