#include "services/pxe/core/client_arch.h"

#include <array>

namespace tentacle::pxe {

namespace {

// iPXE's own names of folders for other processors (boot.ipxe.org), so that they can be put there
// as they are.
constexpr char kIa32Loader[] = "i386-efi/ipxe.efi";
constexpr char kArm32Loader[] = "arm32-efi/ipxe.efi";
constexpr char kArm64Loader[] = "arm64-efi/ipxe.efi";

// 7 and 9 both mean x86-64 UEFI: RFC 4578's table was swapped by an erratum and both are in the
// field (G11).
constexpr std::array<ClientArch, 19> kKnown = {{
    {0, Firmware::kBios, "x86 BIOS", kBiosLoader},
    {6, Firmware::kUefiIa32, "IA32 UEFI", kIa32Loader},
    {7, Firmware::kUefiX64, "x64 UEFI", kUefiX64Loader},
    {9, Firmware::kUefiX64, "x64 UEFI", kUefiX64Loader},
    {10, Firmware::kUefiArm32, "ARM32 UEFI", kArm32Loader},
    {11, Firmware::kUefiArm64, "ARM64 UEFI", kArm64Loader},
    {15, Firmware::kUefiIa32, "IA32 UEFI HTTP", kIa32Loader, true},
    {16, Firmware::kUefiX64, "x64 UEFI HTTP", kUefiX64Loader, true},
    {18, Firmware::kUefiArm32, "ARM32 UEFI HTTP", kArm32Loader, true},
    {19, Firmware::kUefiArm64, "ARM64 UEFI HTTP", kArm64Loader, true},
    {20, Firmware::kBios, "x86 BIOS HTTP", kBiosLoader, true},
    {21, Firmware::kUefiArm32, "ARM32 U-Boot", kArm32Loader},
    {22, Firmware::kUefiArm64, "ARM64 U-Boot", kArm64Loader},
    {23, Firmware::kUefiArm32, "ARM32 U-Boot HTTP", kArm32Loader, true},
    {24, Firmware::kUefiArm64, "ARM64 U-Boot HTTP", kArm64Loader, true},
    {25, Firmware::kOther, "RISC-V 32 UEFI"},
    {27, Firmware::kOther, "RISC-V 64 UEFI"},
    {29, Firmware::kOther, "RISC-V 128 UEFI"},
    {41, Firmware::kRaspberryPi, "Raspberry Pi", kRaspberryPiLoader},
}};

}  // namespace

std::span<const ClientArch> KnownArchs() {
  return kKnown;
}

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
    case Firmware::kBios:
      return "bios";
    case Firmware::kUefiIa32:
      return "uefi-ia32";
    case Firmware::kUefiX64:
      return "uefi-x64";
    case Firmware::kUefiArm32:
      return "uefi-arm32";
    case Firmware::kUefiArm64:
      return "uefi-arm64";
    case Firmware::kRaspberryPi:
      return "raspberry-pi";
    case Firmware::kOther:
      return "other";
  }
  return "other";
}

}  // namespace tentacle::pxe
