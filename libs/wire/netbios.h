// The NetBIOS name service (RFC 1002 section 4.2): who registers, refreshes or answers for which
// name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/wire/reader.h"

namespace tentacle::wire {

// Header field OPCODE, without the response bit.
enum class NetbiosOperation : std::uint8_t {
  kQuery = 0,
  kRegistration = 5,
  kRelease = 6,
  kWaitAck = 7,
  kRefresh = 8,
  kRefreshAlternate = 9,  // Section 4.2.4 says 8 in the text and 9 in the table; both are sent.
};

// The sixteenth octet of a name: what the name is for.
inline constexpr std::uint8_t kNetbiosWorkstation = 0x00;
inline constexpr std::uint8_t kNetbiosServer = 0x20;

struct NetbiosName {
  std::string name;  // Without the blanks that fill it up; octets of an unknown code page.
  std::uint8_t suffix = 0;
  bool group = false;
  std::vector<std::uint32_t> addresses;  // Host order.
};

struct NetbiosMessage {
  NetbiosOperation operation = NetbiosOperation::kQuery;
  bool response = false;
  // The name of the record that the sender speaks for; of a plain question the one that is asked
  // for, without addresses.
  NetbiosName name;
};

// OutOfRange: truncated. InvalidArgument: no name in it, or one that is not 16 octets in
// half-octets.
absl::StatusOr<NetbiosMessage> ParseNetbios(Bytes bytes);

}  // namespace tentacle::wire
