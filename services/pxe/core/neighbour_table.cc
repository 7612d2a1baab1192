#include "services/pxe/core/neighbour_table.h"

#include <algorithm>

namespace tentacle::pxe {

namespace {

// The next word of `*line`, which is cut off it.
std::string_view TakeWord(std::string_view* line) {
  const std::size_t start = std::min(line->find_first_not_of(' '), line->size());
  const std::size_t end = std::min(line->find(' ', start), line->size());
  const std::string_view word = line->substr(start, end - start);
  line->remove_prefix(end);
  return word;
}

}  // namespace

std::optional<wire::MacAddress> FindNeighbour(std::string_view proc_net_arp,
                                              std::string_view address) {
  while (!proc_net_arp.empty()) {
    const std::size_t end = std::min(proc_net_arp.find('\n'), proc_net_arp.size());
    std::string_view line = proc_net_arp.substr(0, end);
    proc_net_arp.remove_prefix(std::min(end + 1, proc_net_arp.size()));
    if (TakeWord(&line) != address) continue;
    TakeWord(&line);  // Hardware type.
    TakeWord(&line);  // Flags.
    const auto mac = wire::ParseMac(TakeWord(&line));
    if (mac.ok() && *mac != wire::MacAddress{}) return *mac;
  }
  return std::nullopt;
}

}  // namespace tentacle::pxe
