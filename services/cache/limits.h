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

// The end of an image is held back from clients until the hash of the whole is known, so that nobody has a whole image
// that was never verified.
inline constexpr std::uint64_t kHeldBackBytes = 1 << 20;
inline constexpr std::size_t kServeBytes = 256 * 1024;

// How often clients that wait are told of new bytes, and the backend of progress.
inline constexpr std::uint64_t kNotifyBytes = 256 * 1024;
inline constexpr absl::Duration kProgressInterval = absl::Seconds(2);

inline constexpr absl::Duration kMetaTimeout = absl::Seconds(5);
inline constexpr absl::Duration kBackoffBase = absl::Milliseconds(500);
inline constexpr absl::Duration kBackoffCap = absl::Seconds(30);
inline constexpr std::size_t kHashBytes = 1 << 20;
// A hash that is wrong twice is the origin's doing.
inline constexpr int kHashTries = 2;

inline constexpr std::uint32_t kHttpConnections = 1024;

}  // namespace tentacle::cache::limits
