#include "services/pxe/core/grub_config.h"

#include <fmt/format.h>

#include "services/pxe/core/escape.h"

namespace tentacle::pxe {

namespace {

constexpr std::string_view kScheme = "http://";

// "(tftp,10.0.0.2)" for "http://10.0.0.2:9080": Debian's signed GRUB has no HTTP in it and may load
// no module. The address is absolute, for GRUB's own idea of the server is the DHCP server's where
// that names one (field notes G24).
std::string Device(std::string_view base_url) {
  if (base_url.starts_with(kScheme)) base_url.remove_prefix(kScheme.size());
  return fmt::format("(tftp,{})", base_url.substr(0, base_url.find(':')));
}

// A word in single quotes: GRUB expands nothing in them, and BootWord() lets no quote through.
std::string Quoted(std::string_view word) {
  return fmt::format(" '{}'", word);
}

}  // namespace

std::optional<std::string> GrubConfig(BootKind kind,
                                      const task::v1::BootTask& task,
                                      const BootContext& context) {
  if (kind == BootKind::kWindows) return std::nullopt;
  if (kind == BootKind::kLocalBoot) return GrubLocalBoot();
  const KernelBoot boot = KernelBootOf(kind, task, context);
  const std::string files = Device(context.base_url) + "/";
  std::string config =
      fmt::format("echo 'Octofleet Tentacle: installing {}'\n", context.mac.ToString());
  config += "linux" + Quoted(files + boot.kernel);
  for (const std::string& word : boot.arguments)
    config += Quoted(word);
  config += "\n";
  if (!boot.initrd.empty()) config += "initrd" + Quoted(files + boot.initrd) + "\n";
  return config +
         "boot\necho 'The installer could not be loaded; restarting in 10 seconds'\nsleep "
         "10\nreboot\n";
}

std::string GrubLocalBoot() {
  return "echo 'Octofleet Tentacle: nothing to install; starting from the disk'\nexit 1\n";
}

std::string GrubWaiting(std::string_view reason) {
  return fmt::format("echo 'Octofleet Tentacle: {}'\nsleep 15\nreboot\n", ConsoleText(reason));
}

}  // namespace tentacle::pxe
