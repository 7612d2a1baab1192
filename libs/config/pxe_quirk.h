// One row of the table of firmware quirks, as `pxe.quirks` and the table in
// services/pxe/core/quirks.cc have it:
//   "name=hp-gen10 mac=94:57:a5 arch=7 loader=snponly.efi delay_ms=500"
// Words behind blanks; what it is about first (mac, arch, vendor, machine), then what is done
// otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::config {

enum class QuirkOption43 {
  kNone,         // No option 43: ask port 4011 (PXE 2.1's boot server discovery without a list).
  kBypass,       // 06 01 08 ff: take the boot file of the offer.
  kRaspberryPi,  // A menu with the one name that boards look for.
};

struct PxeQuirk {
  std::string name;

  // All that are given must hold.
  std::vector<std::uint8_t> mac_prefix;  // 0 to 6 octets.
  std::optional<std::uint16_t> arch;     // Option 93.
  std::string vendor_prefix;             // Option 60 begins so.
  std::string machine_prefix;            // Option 97's id begins so, as text.

  std::optional<std::uint32_t> delay_ms;  // Of the offer; at most kMaxQuirkDelayMs.
  std::optional<QuirkOption43> option43;
  std::string loader;       // Below the boot folder, instead of the architecture's.
  std::optional<bool> nul;  // A NUL behind option 67.
  std::optional<std::uint32_t> block_bytes;  // TFTP: at most.
  std::optional<std::uint32_t> window;       // TFTP: at most; 1: none.
  std::optional<bool> answer;                // no: never.
};

// Longer than the first window of any firmware is the next offer.
inline constexpr std::uint32_t kMaxQuirkDelayMs = 2000;
inline constexpr std::size_t kMaxPxeQuirks = 64;

// InvalidArgument names the word that is wrong.
absl::StatusOr<PxeQuirk> ParsePxeQuirk(std::string_view row);

}  // namespace tentacle::config
