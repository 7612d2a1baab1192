// FastCDC: where content says that a chunk ends (Xia et al., USENIX ATC 2016). Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace tentacle::chunks {

struct ChunkSizes {
  std::size_t min = 0;
  std::size_t avg = 0;  // A power of two.
  std::size_t max = 0;
};

// Small chunks find more of an old image in a new one; each costs 36 bytes of list and a hash to
// compare. At 32 KiB the list is 0.11 % of the image.
inline constexpr ChunkSizes kChunkSizes{8 * 1024, 32 * 1024, 128 * 1024};

// The length of the first chunk of `bytes`, which hold at least sizes.max or all that is left. Two
// equal stretches are cut alike from some boundary on, wherever they lie.
std::size_t FirstChunk(std::string_view bytes, const ChunkSizes& sizes = kChunkSizes);

}  // namespace tentacle::chunks
