#include "services/cache/core/zero_chunks.h"

#include <cstddef>
#include <set>
#include <string>

#include "libs/chunks/sha256.h"

namespace tentacle::cache {

// Zeros are cut into equal chunks, and what is left of them may end the image. No other length is
// looked at: hashing zeros of each that there is would take longer than to begin.
ZeroChunks::ZeroChunks(const chunks::ChunkList& list) {
  std::set<std::uint32_t> lengths;
  for (std::size_t i = 0; i < list.chunks.size(); ++i) {
    const bool last = i + 1 == list.chunks.size();
    if (last || list.chunks[i].digest == list.chunks[i + 1].digest)
      lengths.insert(list.chunks[i].length);
    if (list.chunks[i].length == list.sizes.max) lengths.insert(list.chunks[i].length);
  }
  for (const std::uint32_t length : lengths)
    digests_[length] = chunks::Sha256::Of(std::string(length, '\0'));
}

bool ZeroChunks::Has(const chunks::Chunk& chunk) const {
  const auto at = digests_.find(chunk.length);
  return at != digests_.end() && at->second == chunk.digest;
}

}  // namespace tentacle::cache
