// The one decision about DHCP: which answer does this message get, on which port, to whom.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "libs/wire/dhcp.h"
#include "services/pxe/core/boot_request.h"

namespace tentacle::pxe {

struct Arrival {
  DhcpPort port = DhcpPort::kDhcp;
  std::uint32_t our_address = 0;  // Of the interface it came in on; host order.
  std::uint32_t from_address = 0;
  std::uint16_t from_port = 0;
};

struct BootUrls {
  std::uint16_t http_port = 9080;
};

struct DhcpAnswer {
  wire::DhcpMessage reply;
  std::uint32_t to_address = 0;
  std::uint16_t to_port = 0;
};

inline constexpr char kBiosLoader[] = "undionly.kpxe";
inline constexpr char kUefiX64Loader[] = "ipxe.efi";

// `boot` is what ReadBootRequest() made of `request`; whether this machine is ours has been decided before.
DhcpAnswer AnswerDhcp(const wire::DhcpMessage& request, const BootRequest& boot, const Arrival& arrival,
                      const BootUrls& urls);

// "http://10.0.0.2:9080/boot.ipxe?mac=52:54:00:65:d5:42"
std::string ScriptUrl(std::uint32_t our_address, std::uint16_t http_port, const wire::MacAddress& mac);
std::string DottedQuad(std::uint32_t address);

}  // namespace tentacle::pxe
