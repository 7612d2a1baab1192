#include "services/pxe/core/client_arch.h"

#include <array>

namespace tentacle::pxe {

namespace {

// 7 and 9 both mean x86-64 UEFI: RFC 4578's table was swapped by an erratum and both are in the field (G11).
constexpr std::array<ClientArch, 9> kKnown = {{
    {0, Firmware::kBios, "x86 BIOS"},
    {6, Firmware::kOther, "IA32 UEFI"},
    {7, Firmware::kUefiX64, "x64 UEFI"},
    {9, Firmware::kUefiX64, "x64 UEFI"},
    {10, Firmware::kOther, "ARM32 UEFI"},
    {11, Firmware::kOther, "ARM64 UEFI"},
    {15, Firmware::kOther, "IA32 UEFI HTTP"},
    {16, Firmware::kOther, "x64 UEFI HTTP"},
    {19, Firmware::kOther, "ARM64 UEFI HTTP"},
}};

}  // namespace

std::optional<ClientArch> ArchOf(const wire::DhcpMessage& request) {
  const auto data = request.Option(wire::dhcp_option::kClientArch);
  if (!data || data->size() < 2) return std::nullopt;
  wire::Reader in(*data);
  const std::uint16_t first = in.U16();
  for (std::uint16_t number = first; in.ok(); number = in.U16()) {
    for (const ClientArch& known : kKnown) {
      if (known.number == number) return known;
    }
  }
  return ClientArch{first};
}

std::string_view FirmwareName(Firmware firmware) {
  switch (firmware) {
    case Firmware::kBios: return "bios";
    case Firmware::kUefiX64: return "uefi-x64";
    case Firmware::kOther: return "other";
  }
  return "other";
}

}  // namespace tentacle::pxe
