// Kernel, initrd and command line of a task that boots a kernel, for whichever loader starts it.
// Pure.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <string>
#include <vector>

#include "libs/wire/mac_address.h"
#include "services/pxe/core/boot_kind.h"

namespace tentacle::pxe {

struct BootContext {
  std::string base_url;     // "http://10.0.0.2:9080", of the interface that the machine came in on.
  std::string answers_url;  // base_url + "/answers/<token>"
  std::string token;        // For orders.
  std::string image_url;    // Empty: the task has none, or the kind needs none this early.
  std::vector<std::string> drivers;  // File names in DriverFolder().
  wire::MacAddress mac;
};

struct KernelBoot {
  std::string kernel;  // Below the boot folder.
  std::string initrd;  // Empty: none.
  // Words without blanks; "initrd=" is not among them.
  std::vector<std::string> arguments;
};

// For every kind but kWindows and kLocalBoot. Each argument is made of harmless characters
// (BootWord()).
KernelBoot KernelBootOf(BootKind kind, const task::v1::BootTask& task, const BootContext& context);

}  // namespace tentacle::pxe
