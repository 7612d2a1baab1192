// The Link Layer Discovery Protocol (IEEE 802.1AB-2016): what a neighbour says of itself. Texts are
// as they were sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

inline constexpr MacAddress kLldpNearestBridge{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};
inline constexpr MacAddress kLldpNearestNonTpmr{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x03}};
inline constexpr MacAddress kLldpNearestCustomer{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}};

// Section 8.5.8, "System capabilities".
namespace lldp_capability {
inline constexpr std::uint16_t kBridge = 1 << 2;
inline constexpr std::uint16_t kAccessPoint = 1 << 3;
inline constexpr std::uint16_t kRouter = 1 << 4;
inline constexpr std::uint16_t kTelephone = 1 << 5;
inline constexpr std::uint16_t kStation = 1 << 7;
}  // namespace lldp_capability

struct LldpFrame {
  std::string chassis_id;                 // A MAC or an address as text, else the octets.
  std::optional<MacAddress> chassis_mac;  // When the id is one.
  std::string port_id;                    // Likewise.
  std::uint16_t ttl_s = 0;                // 0: the neighbour says good-bye.
  std::string port_description;
  std::string system_name;
  std::string system_description;
  std::uint16_t capabilities = 0;                   // Those that are switched on.
  std::optional<std::uint32_t> management_address;  // IPv4, host order; the first of its kind.
  std::optional<std::uint16_t> port_vlan;  // IEEE 802.1 annex D.2.1; 0 is "none" and is left out.
};

// OutOfRange: truncated. InvalidArgument: not chassis, port and time to live in this order
// (section 8.5), one of them a second time, or an id that is empty. Behind the end, and of unknown
// kind, anything is forgiven.
absl::StatusOr<LldpFrame> ParseLldp(Bytes bytes);

}  // namespace tentacle::wire
