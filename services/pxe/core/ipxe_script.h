// The scripts that iPXE runs for a machine. What of a task reaches one passes BootWord() or
// ConsoleText(). Pure.
#pragma once

#include <string>
#include <string_view>

#include "services/pxe/core/kernel_boot.h"

namespace tentacle::pxe {

// What boots the task. A step that fails is told on the screen and begun anew with the script.
std::string BootScript(BootKind kind, const task::v1::BootTask& task, const BootContext& context);

// On to the disk: BIOS starts drive 0x80, UEFI goes on in its boot order (field notes G27).
std::string LocalBootScript();

// Says why nothing is booted, and asks again after a while.
std::string WaitingScript(std::string_view base_url,
                          const wire::MacAddress& mac,
                          std::string_view reason);

}  // namespace tentacle::pxe
