#include "services/pxe/neighbours.h"

#include <fstream>
#include <sstream>

#include "services/pxe/core/neighbour_table.h"

namespace tentacle::pxe {

std::optional<wire::MacAddress> NeighbourMac(const std::string& address) {
  std::stringstream table;
  table << std::ifstream("/proc/net/arp").rdbuf();
  return FindNeighbour(table.str(), address);
}

}  // namespace tentacle::pxe
