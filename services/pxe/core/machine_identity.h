// Which machine it is. A MAC names a network card, and cards move: docks and USB adapters go from
// desk to desk. SMBIOS' UUID and serial name the board, where its maker filled them in. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::pxe {

struct MachineIdentity {
  std::string uuid;    // Lower case with hyphens; empty: not said, or one that many machines have.
  std::string serial;  // The same.
};

// As a machine says them; what is no UUID or known to stand for "not filled in" becomes empty.
MachineIdentity CleanIdentity(std::string_view uuid, std::string_view serial);

bool IsJunkUuid(std::string_view uuid);
bool IsJunkSerial(std::string_view serial);

// Why `seen` is not the machine that `wanted` means, or "". What either does not say does not
// count.
std::string IdentityObjection(const MachineIdentity& wanted, const MachineIdentity& seen);

}  // namespace tentacle::pxe
