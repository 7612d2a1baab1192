// The Cisco Discovery Protocol, versions 1 and 2, as its vendor describes it: what a switch says of
// the port that we hang on. Texts are as they were sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "libs/wire/mac_address.h"
#include "libs/wire/reader.h"

namespace tentacle::wire {

inline constexpr MacAddress kCdpGroup{{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc}};

namespace cdp_capability {
inline constexpr std::uint32_t kRouter = 0x01;
inline constexpr std::uint32_t kTransparentBridge = 0x02;
inline constexpr std::uint32_t kSwitch = 0x08;
inline constexpr std::uint32_t kHost = 0x10;
inline constexpr std::uint32_t kPhone = 0x80;
}  // namespace cdp_capability

struct CdpFrame {
  std::uint8_t version = 0;
  std::uint8_t ttl_s = 0;
  std::string device_id;
  std::string port_id;
  std::uint32_t capabilities = 0;
  std::string platform;
  std::string software;
  std::optional<std::uint32_t> address;  // IPv4, host order; the first of its kind.
  std::optional<std::uint16_t> native_vlan;
};

// `bytes` is what stands behind the length of an IEEE 802.3 frame: LLC, SNAP and the message.
// OutOfRange: truncated. InvalidArgument: another protocol, an element shorter than its header, or
// no device in it. The checksum is not looked at: for messages of odd length its vendor's own
// devices disagree.
absl::StatusOr<CdpFrame> ParseCdp(Bytes bytes);

}  // namespace tentacle::wire
