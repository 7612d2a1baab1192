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
inline constexpr std::size_t kServeBytes = 256 * 1024;

// How often clients that wait are told of new bytes, and the backend of progress.
inline constexpr std::uint64_t kNotifyBytes = 256 * 1024;
inline constexpr absl::Duration kProgressInterval = absl::Seconds(2);

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

inline constexpr std::uint32_t kHttpConnections = 1024;

}  // namespace tentacle::cache::limits
