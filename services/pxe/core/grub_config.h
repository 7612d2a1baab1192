// The same boot for GRUB, which is the loader that Secure Boot lets start (docs/boot.md). Pure.
#pragma once

#include <optional>
#include <string>

#include "services/pxe/core/kernel_boot.h"

namespace tentacle::pxe {

// What Debian's signed GRUB asks for by TFTP, below the folder that it was loaded from.
inline constexpr char kGrubConfigName[] = "grub/grub.cfg";

// Nothing for a kind that GRUB cannot boot (Windows: wimboot is not signed for it).
std::optional<std::string> GrubConfig(BootKind kind,
                                      const task::v1::BootTask& task,
                                      const BootContext& context);

// On to the next entry of the firmware's boot order.
std::string GrubLocalBoot();

// Says why, and asks for its configuration again.
std::string GrubWaiting(std::string_view reason);

}  // namespace tentacle::pxe
