// DNS messages (RFC 1035 section 4) as multicast DNS sends them (RFC 6762): read only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"

namespace tentacle::wire {

namespace dns_type {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kPtr = 12;
inline constexpr std::uint16_t kNetbios = 32;
inline constexpr std::uint16_t kSrv = 33;
}  // namespace dns_type

// Labels as they were sent: any octet may be in one, also a dot.
using DnsName = std::vector<std::string>;

struct DnsQuestion {
  DnsName name;
  std::uint16_t type = 0;
};

struct DnsRecord {
  DnsName name;
  std::uint16_t type = 0;
  std::uint32_t ttl_s = 0;
  Bytes data;  // Into the input.
};

struct DnsMessage {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::vector<DnsQuestion> questions;
  std::vector<DnsRecord> records;  // Answers, authorities and additional ones, in this order.

  bool is_response() const { return (flags & 0x8000) != 0; }
};

// Questions and records that are read of one message; the rest is left out. A host that announces
// itself sends a dozen, and a message that repeats a pointer could name thousands.
inline constexpr std::size_t kMaxDnsEntries = 128;

// OutOfRange: truncated. InvalidArgument: a name longer than 255 octets, or a pointer that does not
// point to what stands before it, which is how loops are made.
absl::StatusOr<DnsMessage> ParseDns(Bytes bytes);

}  // namespace tentacle::wire
