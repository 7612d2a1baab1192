// DHCPv4 messages (RFC 2131 section 2) and their options (RFC 2132). Options are kept as an ordered
// list, so that an unknown one survives a round trip. Addresses are in host order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

enum class DhcpOperation : std::uint8_t { kRequest = 1, kReply = 2 };

// Option 53 (RFC 2132 section 9.6).
enum class DhcpType : std::uint8_t {
  kNone = 0,  // Plain BOOTP.
  kDiscover = 1,
  kOffer = 2,
  kRequest = 3,
  kDecline = 4,
  kAck = 5,
  kNak = 6,
  kRelease = 7,
  kInform = 8,
};

// The option codes that network boot is about (IANA "BOOTP Vendor Extensions and DHCP Options").
namespace dhcp_option {
inline constexpr std::uint8_t kPad = 0;
inline constexpr std::uint8_t kHostName = 12;
inline constexpr std::uint8_t kVendorSpecific = 43;
inline constexpr std::uint8_t kRequestedAddress = 50;
inline constexpr std::uint8_t kOverload = 52;
inline constexpr std::uint8_t kMessageType = 53;
inline constexpr std::uint8_t kServerId = 54;
inline constexpr std::uint8_t kParameterList = 55;
inline constexpr std::uint8_t kMaxMessageSize = 57;
inline constexpr std::uint8_t kVendorClass = 60;
inline constexpr std::uint8_t kClientId = 61;
inline constexpr std::uint8_t kTftpServerName = 66;
inline constexpr std::uint8_t kBootfileName = 67;
inline constexpr std::uint8_t kUserClass = 77;
inline constexpr std::uint8_t kRelayAgent = 82;
inline constexpr std::uint8_t kClientArch = 93;
inline constexpr std::uint8_t kClientInterface = 94;
inline constexpr std::uint8_t kClientMachineId = 97;
inline constexpr std::uint8_t kTftpServerAddress = 150;
inline constexpr std::uint8_t kEtherboot = 175;
inline constexpr std::uint8_t kEnd = 255;
}  // namespace dhcp_option

struct DhcpOption {
  std::uint8_t code = 0;
  Buffer data;
  bool operator==(const DhcpOption&) const = default;
};

struct DhcpMessage {
  DhcpOperation operation = DhcpOperation::kRequest;
  std::uint8_t hardware_type = 1;
  std::uint8_t hardware_length = 6;
  std::uint8_t hops = 0;
  std::uint32_t transaction_id = 0;
  std::uint16_t seconds = 0;
  std::uint16_t flags = 0;
  std::uint32_t client_address = 0;                 // ciaddr
  std::uint32_t your_address = 0;                   // yiaddr
  std::uint32_t server_address = 0;                 // siaddr
  std::uint32_t gateway_address = 0;                // giaddr
  std::array<std::uint8_t, 16> hardware_address{};  // chaddr
  std::string server_name;                          // sname, at most 63 octets
  std::string boot_file;                            // file, at most 127 octets
  std::vector<DhcpOption> options;

  bool operator==(const DhcpMessage&) const = default;

  // The data of the first option with that code, or nothing.
  std::optional<Bytes> Option(std::uint8_t code) const;
  DhcpType type() const;
  // chaddr as a MAC, when it is one (htype 1, hlen 6).
  std::optional<MacAddress> mac() const;

  void Add(std::uint8_t code, Bytes data);
  void AddText(std::uint8_t code, std::string_view text);
  void AddU32(std::uint8_t code, std::uint32_t value);
};

inline constexpr std::uint16_t kDhcpBroadcastFlag = 0x8000;

// OutOfRange: truncated. InvalidArgument: no magic cookie, an option that runs over its end, or too
// much of it. An option that comes in several parts is joined (RFC 3396); `file` and `sname` are
// read for options when option 52 says so, once each. What follows option 255 is padding. A missing
// 255 is forgiven.
absl::StatusOr<DhcpMessage> ParseDhcp(Bytes bytes);

// Options longer than 255 octets are split (RFC 3396); padded to 300 octets after option 255,
// because relays drop what is shorter (field notes G14). Names that do not fit are cut: callers
// keep to the lengths above.
Buffer EmitDhcp(const DhcpMessage& message);

}  // namespace tentacle::wire
