#include "services/pxe/core/autoexec_script.h"

#include <fmt/format.h>

namespace tentacle::pxe {

std::string AutoexecScript(std::string_view base_url, const wire::MacAddress& mac) {
  // iPXE has no address yet, and asking on every card in turn would wait for each cable that is not
  // plugged in.
  return fmt::format(
      "#!ipxe\n"
      "set card:int32 0\n"
      ":next\n"
      "isset ${{net${{card}}/mac}} || goto any\n"
      "iseq ${{net${{card}}/mac}} {1} && goto found ||\n"
      "inc card\n"
      "goto next\n"
      ":found\n"
      "dhcp net${{card}} || goto retry\n"
      "goto script\n"
      ":any\n"
      "dhcp || goto retry\n"
      ":script\n"
      "chain --replace --autofree {0}/boot.ipxe?mac={1} || goto retry\n"
      ":retry\n"
      "echo No address or no script from {0}; trying again in 10 seconds\n"
      "sleep 10\n"
      "goto any\n",
      base_url, mac.ToString());
}

}  // namespace tentacle::pxe
