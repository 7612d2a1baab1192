// Every limit of the cache, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::cache::limits {

// More images than a backend has; keeps the index small.
inline constexpr std::size_t kMaxImages = 4096;
inline constexpr std::size_t kMaxImageIdBytes = 128;

// Two pulls at once: more only slow each other down on one line.
inline constexpr int kPullThreads = 2;

// The end of each answer is held back until the hash of the whole image is known, so that no answer
// is complete with bytes that were never verified. Answers no longer than this wait for the hash
// altogether.
inline constexpr std::uint64_t kHeldBackBytes = 1 << 20;
// Between two looks at whether what is sent is still right.
inline constexpr std::uint64_t kSpanBytes = 16ull << 20;

// How often clients that wait are told of new bytes, and the backend of progress.
inline constexpr std::uint64_t kNotifyBytes = 256 * 1024;
inline constexpr absl::Duration kProgressInterval = absl::Seconds(2);

// A list is at most 75 MB; on a line that does not carry it in that time it is asked for again.
inline constexpr absl::Duration kChunkListTimeout = absl::Minutes(5);
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
// How often the free space is looked at while bytes arrive.
inline constexpr std::uint64_t kRoomCheckBytes = 16 << 20;
inline constexpr absl::Duration kNotifyInterval = absl::Milliseconds(50);

inline constexpr absl::Duration kMetaTimeout = absl::Seconds(5);
inline constexpr absl::Duration kBackoffBase = absl::Milliseconds(500);
inline constexpr absl::Duration kBackoffCap = absl::Seconds(30);
inline constexpr std::size_t kHashBytes = 1 << 20;
// A pull gives its thread to others after so many tries in a row that brought no byte.
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
inline constexpr absl::Duration kScrubLook = absl::Minutes(1);
// Of one check; the rest is in the log.
inline constexpr int kWrongChunkEvents = 16;
// How long files wait to be asked for after their index was lost.
inline constexpr absl::Duration kOrphansKept = absl::Hours(24 * 7);

inline constexpr std::uint32_t kHttpConnections = 1024;
// One machine opens one or two; a script that opens all of them would keep the others out.
inline constexpr std::uint32_t kHttpConnectionsPerAddress = 256;

}  // namespace tentacle::cache::limits
