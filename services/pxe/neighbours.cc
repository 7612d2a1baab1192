#include "services/pxe/neighbours.h"

#include <fstream>
#include <sstream>

#include "services/pxe/core/neighbour_table.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

std::string ReadTable() {
  std::stringstream table;
  table << std::ifstream("/proc/net/arp").rdbuf();
  return table.str();
}

}  // namespace

std::optional<wire::MacAddress> NeighbourMac(const std::string& address) {
  return FindNeighbour(ReadTable(), address);
}

std::optional<wire::MacAddress> NeighbourCache::Find(const std::string& address) {
  const absl::Time now = clock_.Now();
  if (now - read_at_ > limits::kNeighboursFresh) {
    table_ = ReadTable();
    read_at_ = now;
  }
  return FindNeighbour(table_, address);
}

}  // namespace tentacle::pxe
