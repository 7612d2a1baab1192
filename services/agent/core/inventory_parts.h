// Which parts of an inventory the backend does not have yet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tentacle::agent {

// What was told, and to whom.
struct ToldInventory {
  std::string recipient;
  std::uint64_t thinned = 0;                   // Inventories the event log had thrown away by then.
  std::map<std::string, std::string> digests;  // Of each part: "hardware", "software", …

  bool operator==(const ToldInventory&) const = default;
};

std::string EncodeTold(const ToldInventory& told);
// Nothing told, when it cannot be read: the inventory is sent once too often.
ToldInventory DecodeTold(std::string_view text);

struct InventoryReport {
  std::string body_json;  // "collectedAt", "full" and the parts.
  ToldInventory told;     // When this report is kept.
};

// `inventory` is the JSON of all parts, `stable` the same without what always changes. Nothing when
// every part is known. All parts go when `all`, when another recipient was told, or when a report
// may have been thrown away since.
std::optional<InventoryReport> ReportOfChanges(std::string_view inventory,
                                               std::string_view stable,
                                               const ToldInventory& known,
                                               const std::string& recipient,
                                               std::uint64_t thinned,
                                               bool all);

}  // namespace tentacle::agent
