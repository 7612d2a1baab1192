#include "services/pxe/core/ipxe_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/pxe/core/escape.h"

namespace tentacle::pxe {

namespace {

using task::v1::BootTask;

constexpr int kWaitSeconds = 15;

// Absolute URLs: under ProxyDHCP iPXE's ${next-server} is somebody else's (field notes G20).
std::string ScriptAgain(std::string_view base_url, const wire::MacAddress& mac, int seconds) {
  return fmt::format("sleep {}\nchain --replace --autofree {}/boot.ipxe?mac={}\n", seconds,
                     base_url, mac.ToString());
}

std::string Ending(const BootContext& context) {
  return fmt::format(
             "boot || goto failed\n"
             ":failed\n"
             "echo The installer could not be loaded from {}; trying again in 10 seconds\n",
             context.base_url) +
         ScriptAgain(context.base_url, context.mac, 10);
}

std::string KernelScript(BootKind kind, const BootTask& task, const BootContext& context) {
  const KernelBoot boot = KernelBootOf(kind, task, context);
  const std::string initrd = boot.initrd.substr(boot.initrd.rfind('/') + 1);
  // `initrd=` on the command line is how a kernel's EFI stub finds the image by name; BIOS does not
  // mind it.
  std::string script = fmt::format("kernel {}/boot/{}", context.base_url, boot.kernel);
  if (!initrd.empty()) script += " initrd=" + initrd;
  if (!boot.arguments.empty()) script += fmt::format(" {}", fmt::join(boot.arguments, " "));
  script += " || goto failed\n";
  if (!initrd.empty()) {
    script += fmt::format("initrd --name {0} {1}/boot/{2} || goto failed\n", initrd,
                          context.base_url, boot.initrd);
  }
  return script + Ending(context);
}

// wimboot presents every initrd to Windows' boot manager as a file. The name is given twice: BIOS
// wimboot reads the image's arguments, UEFI wimboot its name.
std::string File(std::string_view name, std::string_view url) {
  return fmt::format("initrd --name {0} {1} {0} || goto failed\n", BootWord(name), url);
}

std::string WindowsScript(const BootTask& task, const BootContext& context) {
  const std::string folder = BootWord(InstallerFolder(BootKind::kWindows, task));
  const std::string files = fmt::format("{}/boot/{}/", context.base_url, folder);
  const std::string answers = context.answers_url + "/";
  std::string script = fmt::format(
      "iseq ${{platform}} efi && set layout uefi || set layout bios\n"
      "kernel {}wimboot || goto failed\n",
      files);
  script += File("winpeshl.ini", answers + "winpeshl.ini");
  script += File("startnet.cmd", answers + "startnet.cmd");
  script += File("deploypart.txt", answers + "deploypart-${layout}.txt");
  script += File("curl.exe", files + "curl.exe");
  const std::string drivers =
      fmt::format("{}/boot/{}/", context.base_url, BootWord(DriverFolder(task)));
  for (const std::string& driver : context.drivers)
    script += File(driver, drivers + BootWord(driver));
  for (const char* file : {"BCD", "boot.sdi", "boot.wim"})
    script += File(file, files + file);
  return script + Ending(context);
}

}  // namespace

std::string BootScript(BootKind kind, const BootTask& task, const BootContext& context) {
  if (kind == BootKind::kLocalBoot) return LocalBootScript();
  const std::string head =
      fmt::format("#!ipxe\necho Octofleet Tentacle: installing {}\n", context.mac.ToString());
  if (kind == BootKind::kWindows) return head + WindowsScript(task, context);
  return head + KernelScript(kind, task, context);
}

std::string LocalBootScript() {
  return "#!ipxe\n"
         "echo Octofleet Tentacle: nothing to install; starting from the disk\n"
         "iseq ${platform} efi && exit 1 ||\n"
         "sanboot --no-describe --drive 0x80 || exit 1\n";
}

std::string WaitingScript(std::string_view base_url,
                          const wire::MacAddress& mac,
                          std::string_view reason) {
  return fmt::format("#!ipxe\necho Octofleet Tentacle: {}\n", ConsoleText(reason)) +
         ScriptAgain(base_url, mac, kWaitSeconds);
}

}  // namespace tentacle::pxe
