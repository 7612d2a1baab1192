#include "services/pxe/core/ipxe_script.h"

#include <fmt/format.h>

namespace tentacle::pxe {

std::string InstallerScript(std::string_view base_url, const wire::MacAddress& mac, std::string_view token) {
  // `initrd=` on the command line is how a kernel's EFI stub finds the image by name; BIOS does not mind it.
  // Absolute URLs: under ProxyDHCP iPXE's ${next-server} is somebody else's (field notes G20).
  return fmt::format(
      "#!ipxe\n"
      "echo Octofleet Tentacle: installing {1}\n"
      "kernel {0}/boot/ramdisk/vmlinuz initrd=initrd.img console=tty0 console=ttyS0,115200 panic=60 "
      "tentacle.url={0} tentacle.token={2} tentacle.mac={1} || goto failed\n"
      "initrd --name initrd.img {0}/boot/ramdisk/initrd.img || goto failed\n"
      "boot || goto failed\n"
      ":failed\n"
      "echo The installer could not be loaded from {0}; trying again in 10 seconds\n"
      "sleep 10\n"
      "chain --replace --autofree {0}/boot.ipxe?mac={1}\n",
      base_url,
      mac.ToString(),
      token);
}

}  // namespace tentacle::pxe
