// The one decision about DHCP: which answer does this message get, on which port, to whom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "libs/wire/dhcp.h"
#include "services/pxe/core/boot_request.h"
#include "services/pxe/core/quirks.h"

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

// What a machine is told to run, and how it is told.
struct BootChoice {
  // Below the boot folder; empty: the script, or what a Raspberry Pi asks for by itself.
  std::string loader;
  std::string file;  // As the answer has it: a name or a URL.
  QuirkOption43 option43 = QuirkOption43::kNone;
  bool nul = false;
};

// UnknownFirmware: nothing here boots it. `script`: its loader has gone round in circles, so it is
// given the script whatever it says it is (see core/loader_loops.h).
std::variant<BootChoice, DropReason> ChooseBoot(const BootRequest& boot,
                                                const Arrival& arrival,
                                                const BootUrls& urls,
                                                const QuirkEffects& quirk,
                                                bool script);

struct DhcpAnswer {
  wire::DhcpMessage reply;
  std::uint32_t to_address = 0;
  std::uint16_t to_port = 0;
};

// `boot` is what ReadBootRequest() made of `request`; whether this machine is ours has been decided
// before.
DhcpAnswer AnswerDhcp(const wire::DhcpMessage& request,
                      const BootRequest& boot,
                      const Arrival& arrival,
                      const BootChoice& choice);

// "http://10.0.0.2:9080/boot.ipxe?mac=52:54:00:65:d5:42"
std::string ScriptUrl(std::uint32_t our_address,
                      std::uint16_t http_port,
                      const wire::MacAddress& mac);
std::string DottedQuad(std::uint32_t address);
// Nothing for what is no IPv4 address.
std::optional<std::uint32_t> ParseDottedQuad(std::string_view text);

}  // namespace tentacle::pxe
