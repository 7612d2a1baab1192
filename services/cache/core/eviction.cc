#include "services/cache/core/eviction.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tentacle::cache {

namespace {

double Gigabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> PlanEviction(std::vector<Resident> residents,
                                                      const Room& room,
                                                      std::uint64_t need) {
  std::uint64_t used = 0;
  std::uint64_t evictable = 0;
  std::map<std::string, std::uint64_t> kept;
  for (const Resident& one : residents) {
    used += one.bytes;
    if (one.kept_for.empty())
      evictable += one.bytes;
    else if (one.bytes > 0)
      kept[one.kept_for] += one.bytes;
  }
  // What has to go for the cache's own limit, and what for the disk's; the larger counts.
  const std::uint64_t over_limit = used + need > room.max_bytes ? used + need - room.max_bytes : 0;
  const std::uint64_t over_disk =
      need + room.min_free > room.disk_free ? need + room.min_free - room.disk_free : 0;
  const std::uint64_t to_free = std::max(over_limit, over_disk);
  if (to_free > evictable) {
    const std::uint64_t room_now = need > to_free ? need - to_free : 0;
    const std::string bound =
        over_disk > over_limit
            ? fmt::format("the disk has {:.2f} GB, of which {:.2f} GB are to stay free",
                          Gigabytes(room.disk_free), Gigabytes(room.min_free))
            : fmt::format("limit {:.2f} GB", Gigabytes(room.max_bytes));
    std::string why = fmt::format(
        "no room: needs {:.2f} GB, {:.2f} GB are free for it and {:.2f} GB can be freed ({})",
        Gigabytes(need), Gigabytes(room_now), Gigabytes(evictable), bound);
    for (const auto& [reason, bytes] : kept)
      why += fmt::format("; {:.2f} GB stay: {}", Gigabytes(bytes), reason);
    return absl::ResourceExhaustedError(why);
  }
  std::sort(residents.begin(), residents.end(),
            [](const Resident& a, const Resident& b) { return a.last_used < b.last_used; });
  std::vector<std::string> victims;
  std::uint64_t freed = 0;
  for (const Resident& one : residents) {
    if (freed >= to_free) break;
    if (!one.kept_for.empty() || one.bytes == 0) continue;
    victims.push_back(one.id);
    freed += one.bytes;
  }
  return victims;
}

}  // namespace tentacle::cache
