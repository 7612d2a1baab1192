// What of a read request's options is granted (RFC 2347, 2348, 2349, 7440).
#pragma once

#include <cstdint>

#include <absl/time/time.h>

#include "libs/wire/tftp.h"

namespace tentacle::pxe {

struct TftpTerms {
  std::uint32_t block_bytes = 512;
  std::uint32_t window = 1;  // Blocks before an acknowledgement is waited for.
  absl::Duration timeout = absl::Seconds(1);
  // For the OACK; empty: the client asked for nothing we grant, and DATA comes at once.
  wire::TftpOptionList granted;
};

// What the way to a client and its quirks allow.
struct TftpCaps {
  std::uint32_t block_bytes = 1468;
  std::uint32_t window = 64;
};

// Blocks that fit a packet of the path's MTU: IP, UDP and TFTP headers less (G31).
std::uint32_t BlockBytesOf(std::uint32_t mtu);

// Only options that were asked for are answered, blksize and windowsize only smaller, unknown or
// senseless ones are passed over.
TftpTerms Negotiate(const wire::TftpOptionList& asked,
                    std::uint64_t file_bytes,
                    const TftpCaps& caps = {});

}  // namespace tentacle::pxe
