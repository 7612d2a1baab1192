// What of a read request's options is granted (RFC 2347, 2348, 2349).
#pragma once

#include <cstdint>

#include <absl/time/time.h>

#include "libs/wire/tftp.h"

namespace tentacle::pxe {

struct TftpTerms {
  std::uint32_t block_bytes = 512;
  absl::Duration timeout = absl::Seconds(1);
  // For the OACK; empty: the client asked for nothing we grant, and DATA comes at once.
  wire::TftpOptionList granted;
};

// Only options that were asked for are answered, blksize only smaller, unknown or senseless ones are passed over.
TftpTerms Negotiate(const wire::TftpOptionList& asked, std::uint64_t file_bytes);

}  // namespace tentacle::pxe
