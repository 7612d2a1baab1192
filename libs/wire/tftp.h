// TFTP packets (RFC 1350) with options (RFC 2347).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"

namespace tentacle::wire {

enum class TftpOpcode : std::uint16_t {
  kReadRequest = 1,
  kWriteRequest = 2,
  kData = 3,
  kAck = 4,
  kError = 5,
  kOack = 6
};

// RFC 1350 section "Error Codes", RFC 2347 for 8.
enum class TftpErrorCode : std::uint16_t {
  kNotDefined = 0,
  kFileNotFound = 1,
  kAccessViolation = 2,
  kIllegalOperation = 4,
  kUnknownTransfer = 5,
  kOptionRefused = 8,
};

using TftpOptionList = std::vector<std::pair<std::string, std::string>>;  // Names in lower case.

struct TftpRequest {
  bool write = false;
  std::string file;
  std::string mode;  // Lower case.
  TftpOptionList options;
  bool operator==(const TftpRequest&) const = default;
};

struct TftpData {
  std::uint16_t block = 0;
  Buffer data;
  bool operator==(const TftpData&) const = default;
};

struct TftpAck {
  std::uint16_t block = 0;
  bool operator==(const TftpAck&) const = default;
};

struct TftpError {
  TftpErrorCode code = TftpErrorCode::kNotDefined;
  std::string message;
  bool operator==(const TftpError&) const = default;
};

struct TftpOack {
  TftpOptionList options;
  bool operator==(const TftpOack&) const = default;
};

using TftpPacket = std::variant<TftpRequest, TftpData, TftpAck, TftpError, TftpOack>;

// Names and values longer than this are nobody's file.
inline constexpr std::size_t kMaxTftpTextBytes = 255;
inline constexpr std::size_t kMaxTftpOptions = 16;

// OutOfRange: truncated. InvalidArgument: unknown opcode, a text that is not ended or too long, too
// many options.
absl::StatusOr<TftpPacket> ParseTftp(Bytes bytes);
Buffer EmitTftp(const TftpPacket& packet);

}  // namespace tentacle::wire
