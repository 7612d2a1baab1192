// Chunks that are nothing but zeros: nobody needs to send them, and a hole in a file is right.
#pragma once

#include <cstdint>
#include <map>

#include "libs/chunks/chunk_list.h"

namespace tentacle::cache {

class ZeroChunks {
 public:
  explicit ZeroChunks(const chunks::ChunkList& list);

  bool Has(const chunks::Chunk& chunk) const;

 private:
  std::map<std::uint32_t, chunks::Digest> digests_;  // By length.
};

}  // namespace tentacle::cache
