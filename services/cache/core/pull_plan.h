// Which chunks a pull fetches next: those that clients are about to read first, then the others in
// their order. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "libs/chunks/chunk_list.h"
#include "services/cache/chunk_source.h"
#include "services/cache/core/chunk_map.h"

namespace tentacle::cache {

struct NextFetch {
  ChunkRun run;  // Count 0: everything is here.
  // A client waits for it out of the order: short, so that the others' turn comes soon.
  bool urgent = false;
};

// `wants`: offsets of bytes that clients wait for, who asked first comes first. `at`: the chunk
// behind the last one that was fetched. `urgent_bytes`: what a client out of the order gets at a
// time.
NextFetch PlanFetch(const chunks::ChunkList& list,
                    const ChunkMap& map,
                    const std::vector<std::uint64_t>& wants,
                    std::size_t at,
                    std::uint64_t urgent_bytes);

// Whether some client waits for a chunk that is not here and that a fetch which stands at `at` does
// not reach within `reach` bytes.
bool WantedElsewhere(const chunks::ChunkList& list,
                     const ChunkMap& map,
                     const std::vector<std::uint64_t>& wants,
                     std::size_t at,
                     std::uint64_t reach);

// Whether a chunk that is here has bytes in [begin, end).
bool AnyIsHere(const chunks::ChunkList& list,
               const ChunkMap& map,
               std::uint64_t begin,
               std::uint64_t end);

}  // namespace tentacle::cache
