// An image that has a chunk list, on its way: shared by its pull and by who reads it meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "libs/chunks/chunk_list.h"
#include "services/cache/core/chunk_map.h"
#include "services/cache/wants.h"

namespace tentacle::cache {

struct Chunked {
  explicit Chunked(chunks::ChunkList list_in) : list(std::move(list_in)), map(list.chunks.size()) {}

  // The end of the bytes that can be read from `offset` on, chunk by chunk without a gap; `offset`
  // itself when the one there is not here.
  std::uint64_t EndOfPresent(std::uint64_t offset) const {
    if (offset >= list.size()) return offset;
    const std::size_t missing = map.FirstMissing(list.At(offset));
    const std::uint64_t end = missing == map.count() ? list.size() : list.chunks[missing].offset;
    return end > offset ? end : offset;
  }

  const chunks::ChunkList list;
  ChunkMap map;
  Wants wants;
};

}  // namespace tentacle::cache
