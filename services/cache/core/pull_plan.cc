#include "services/cache/core/pull_plan.h"

#include <algorithm>

namespace tentacle::cache {

namespace {

// From `first`, which is missing, up to the next chunk that is here.
ChunkRun MissingRun(const ChunkMap& map, std::size_t first) {
  return {first, map.FirstPresent(first) - first};
}

ChunkRun Shortened(const chunks::ChunkList& list, ChunkRun run, std::uint64_t bytes) {
  std::size_t count = 1;
  const std::uint64_t from = list.chunks[run.first].offset;
  while (count < run.count && list.chunks[run.first + count].end() - from <= bytes)
    ++count;
  return {run.first, count};
}

}  // namespace

NextFetch PlanFetch(const chunks::ChunkList& list,
                    const ChunkMap& map,
                    const std::vector<std::uint64_t>& wants,
                    std::size_t at,
                    std::uint64_t urgent_bytes) {
  std::size_t next = at < map.count() ? map.FirstMissing(at) : map.count();
  if (next == map.count()) next = map.FirstMissing(0);
  if (next == map.count()) return {};
  for (const std::uint64_t offset : wants) {
    if (offset >= list.size()) continue;
    const std::size_t wanted = list.At(offset);
    if (map.Has(wanted)) continue;
    const ChunkRun run = MissingRun(map, wanted);
    if (wanted == next) return {run, false};
    return {Shortened(list, run, urgent_bytes), true};
  }
  return {MissingRun(map, next), false};
}

bool WantedElsewhere(const chunks::ChunkList& list,
                     const ChunkMap& map,
                     const std::vector<std::uint64_t>& wants,
                     std::size_t at,
                     std::uint64_t reach) {
  if (at >= map.count()) return false;
  const std::uint64_t here = list.chunks[at].offset;
  return std::any_of(wants.begin(), wants.end(), [&](std::uint64_t offset) {
    if (offset >= list.size() || map.Has(list.At(offset))) return false;
    return offset < here || offset - here > reach;
  });
}

bool AnyIsHere(const chunks::ChunkList& list,
               const ChunkMap& map,
               std::uint64_t begin,
               std::uint64_t end) {
  const std::size_t first = map.FirstPresent(list.At(begin));
  return first < map.count() && list.chunks[first].offset < end;
}

}  // namespace tentacle::cache
