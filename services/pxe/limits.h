// Every limit of pxe, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::pxe::limits {

// More machines than a segment has addresses for are a mistake of the backend.
inline constexpr std::size_t kMaxTasks = 4096;

// DISCOVERs of one boot come 0, 4, 12 and 28 s apart (UEFI); iPXE repeats within 10 s.
inline constexpr absl::Duration kSameBoot = absl::Seconds(60);

// A ramdisk that lost the answer may ask again, from the same address.
inline constexpr unsigned kMaxOrderFetches = 3;
inline constexpr absl::Duration kOrderWindow = absl::Minutes(5);
inline constexpr std::size_t kTokenHexDigits = 32;  // 128 bits; fits a kernel command line.

// What an installer says is for one line on a page.
inline constexpr std::size_t kMaxMessageBytes = 500;
inline constexpr std::size_t kMaxCallbackBytes = 16 * 1024;

// Boot loaders are below 2 MiB; what is bigger goes over HTTP.
inline constexpr std::uint64_t kMaxTftpFileBytes = 64ull << 20;
inline constexpr std::uint32_t kTftpBlockBytes = 512;         // RFC 1350, without blksize.
inline constexpr std::uint32_t kTftpMinBlockBytes = 8;        // RFC 2348.
inline constexpr std::uint32_t kTftpMaxBlockBytes = 1468;     // Ethernet's MTU less headers: fragments kill ROMs (G31).
inline constexpr absl::Duration kTftpFirstTimeout = absl::Seconds(1);
inline constexpr absl::Duration kTftpMaxTimeout = absl::Seconds(5);
inline constexpr int kTftpTries = 6;
// One address may hold so many transfers; firmware holds one or two.
inline constexpr std::size_t kTftpSessionsPerClient = 4;

// Scripts and orders are small; a machine keeps a connection or two.
inline constexpr std::uint32_t kHttpConnections = 512;

// The cache answers from memory; it may ask the backend for metadata, with its own deadline of 5 s.
inline constexpr absl::Duration kCacheCallTimeout = absl::Seconds(8);
inline constexpr absl::Duration kPullRetry = absl::Seconds(5);

// How soon boot files that were put in place late are noticed.
inline constexpr absl::Duration kBootFilesCheck = absl::Seconds(10);

// How long a list of our addresses is believed.
inline constexpr absl::Duration kAddressesFresh = absl::Seconds(5);

}  // namespace tentacle::pxe::limits
