// Every limit of the cache, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::cache::limits {

// More images than a backend has; keeps the index small.
inline constexpr std::size_t kMaxImages = 4096;
inline constexpr std::size_t kMaxImageIdBytes = 128;

// Two demands at once: more only slow each other down on one line. What nobody waits for has places
// of its own, one each.
inline constexpr int kDemandPulls = 2;
inline constexpr int kRepairPulls = 1;
inline constexpr int kPrepullPulls = 1;
inline constexpr int kPullThreads = kDemandPulls + kRepairPulls + kPrepullPulls;

// The end of each answer is held back until the hash of the whole image is known, so that no answer
// is complete with bytes that were never verified. Answers no longer than this wait for the hash
// altogether.
inline constexpr std::uint64_t kHeldBackBytes = 1 << 20;
// Between two looks at whether what is sent is still right.
inline constexpr std::uint64_t kSpanBytes = 16ull << 20;

// The backend allows a minute of skew in a token (libs/identity); half of it is left for the way.
inline constexpr absl::Duration kClockTolerance = absl::Seconds(30);

// How often clients that wait are told of new bytes, and the backend of progress.
inline constexpr std::uint64_t kNotifyBytes = 256 * 1024;
inline constexpr absl::Duration kProgressInterval = absl::Seconds(2);

// A list of smaller chunks would be more than an eighth of a per cent of its image.
inline constexpr std::uint64_t kLeastAverageChunk = 4096;
// The limiter of the line is asked for each piece of so many bytes: its bursts are no longer.
inline constexpr std::size_t kLimiterBytes = 64 * 1024;
// A client that waits for a chunk out of the order gets so much at a time; one that waits for a
// chunk which comes within the same distance anyway waits for it.
inline constexpr std::uint64_t kUrgentBytes = 4 << 20;
// Between two interruptions of the pull in its order: what the line has under way is lost with
// each.
inline constexpr std::uint64_t kBetweenInterruptions = 32 << 20;
inline constexpr absl::Duration kBetweenInterruptionsTime = absl::Seconds(5);
// A chunk that is wrong so often is the origin's doing.
inline constexpr int kChunkTries = 3;
// After so many wrong chunks an answer is broken off.
inline constexpr int kWrongInARun = 8;
// What has come is written in pieces of this size, or after this time.
inline constexpr std::size_t kWriteBytes = 256 * 1024;
inline constexpr absl::Duration kWriteWithin = absl::Milliseconds(5);
// How often the free space is looked at while bytes arrive.
inline constexpr std::uint64_t kRoomCheckBytes = 16 << 20;
inline constexpr absl::Duration kNotifyInterval = absl::Milliseconds(50);

inline constexpr absl::Duration kMetaTimeout = absl::Seconds(5);
inline constexpr absl::Duration kBackoffBase = absl::Milliseconds(500);
inline constexpr absl::Duration kBackoffCap = absl::Seconds(30);
inline constexpr std::size_t kHashBytes = 1 << 20;
// What a disk reads and writes at least.
inline constexpr std::size_t kDiskBlockBytes = 4096;
// A pull gives its place to others after so many tries in a row that brought no byte.
inline constexpr int kFruitlessTries = 5;
// How long a pull without luck is tried again after somebody last asked: a client asks anew, a task
// asks once.
inline constexpr absl::Duration kClientWants = absl::Minutes(10);
inline constexpr absl::Duration kTaskWants = absl::Hours(24);
// Clients cannot begin a pull again so soon after it failed: they would do it without end.
inline constexpr absl::Duration kFailedRest = absl::Seconds(30);
// A client's answer that got no new byte for so long ends short: the client's own retry does
// better.
inline constexpr absl::Duration kStreamStall = absl::Seconds(120);
// Last use is written this rarely: each store is a write to the disk.
inline constexpr absl::Duration kUseStoreInterval = absl::Seconds(60);
// Metadata and "no such image" are believed for so long.
inline constexpr absl::Duration kMetaRemembered = absl::Seconds(10);
inline constexpr std::size_t kAbsentIds = 1024;
// Questions for metadata under way; each takes up to kMetaTimeout of one thread.
inline constexpr std::size_t kMetaQuestions = 64;
// A hash that is wrong twice is the origin's doing.
inline constexpr int kHashTries = 2;

// A scheduled check leaves the disk to the clients: a terabyte takes five hours.
inline constexpr std::uint64_t kScrubBytesPerSecond = 64 << 20;
// Each cached image is read and compared with its hashes once a week.
inline constexpr absl::Duration kVerifyInterval = absl::Hours(24 * 7);
// How often it is told how far a check is.
inline constexpr std::uint64_t kCheckToldBytes = 16 << 20;
inline constexpr absl::Duration kScrubLook = absl::Minutes(1);
// Of one pull; the rest is counted.
inline constexpr int kWrongChunksTold = 16;
// How long files wait to be asked for after their index was lost.
inline constexpr absl::Duration kOrphansKept = absl::Hours(24 * 7);

inline constexpr std::uint32_t kHttpConnections = 1024;
// One machine opens one or two; a script that opens all of them would keep the others out.
inline constexpr std::uint32_t kHttpConnectionsPerAddress = 256;

// Who waits for the line looks up so often: a new limit, a stop and a demand are noticed by then.
inline constexpr absl::Duration kLimiterSlice = absl::Milliseconds(200);
// How often the ledger is written down and told, when it has changed.
inline constexpr absl::Duration kLedgerInterval = absl::Seconds(30);

// The forecast of a prepull is told anew when it moved by so much, and no more often than that.
inline constexpr absl::Duration kForecastMoves = absl::Minutes(10);

// A link that is good for less than this is asked for anew: a machine that begins to install wants
// to end as well.
inline constexpr absl::Duration kRelayLinkLeft = absl::Hours(4);
// A tentacle has one or two; a host with containers has more.
inline constexpr std::size_t kOfferedAddresses = 16;

// A neighbour answers within milliseconds; this is one whose disk or processor is busy.
inline constexpr absl::Duration kPeerAnswer = absl::Seconds(2);
// How often those that have an image are asked how far they are, while it is pulled.
inline constexpr absl::Duration kPeerAskInterval = absl::Seconds(1);
inline constexpr absl::Duration kPeerGreetInterval = absl::Seconds(5);
// A peer that reads the WAN for us may wait for it so long without a byte.
inline constexpr absl::Duration kPeerStall = absl::Seconds(20);
// A peer that has the image and gives less than this share of the WAN is no gain...
inline constexpr double kPeerLeastShare = 0.5;
// ... seen over so long. Before the WAN was measured it is held against a slow one.
inline constexpr absl::Duration kPeerJudgedAfter = absl::Seconds(5);
inline constexpr double kUnmeasuredLineMbit = 2;
// One that fetches the image itself gives what the WAN gives it; with less than this over so long
// it is no gain either.
inline constexpr double kWaitingPeerLeastMbit = 1;
inline constexpr absl::Duration kWaitingPeerJudgedAfter = absl::Seconds(30);
// The backend's answer is no longer than this while there are peers: then they are asked again.
inline constexpr std::uint64_t kPeerStripeBytes = 8ull << 20;
// Threads that ask peers how far they are.
inline constexpr int kPeerThreads = 2;
// An answer to "how far are you" is one line.
inline constexpr std::uint64_t kPeerStateBytes = 4096;

}  // namespace tentacle::cache::limits
