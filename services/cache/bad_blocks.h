// Blocks of a file that the disk cannot read. A write of a part of such a block has to read the
// rest of it first, and fails: they are made holes right before something is written into them, and
// no sooner, since what cannot be read now may be readable again. One thread.
#pragma once

#include <cstdint>
#include <set>

#include "libs/chunks/chunk_list.h"
#include "services/cache/core/chunk_map.h"
#include "services/cache/part_file.h"

namespace tentacle::cache {

class BadBlocks {
 public:
  BadBlocks(PartFile& file, const chunks::ChunkList& list, const ChunkMap& map)
      : file_(file), list_(list), map_(map) {}

  // Reading [begin, end) has failed: remembers which blocks it was.
  void Find(std::uint64_t begin, std::uint64_t end);
  // Something is about to be written to [begin, end). A block that holds bytes of a chunk which is
  // right stays as it is; where a hole cannot be made the write will say so.
  void GiveBack(std::uint64_t begin, std::uint64_t end);

 private:
  PartFile& file_;
  const chunks::ChunkList& list_;
  const ChunkMap& map_;
  std::set<std::uint64_t> blocks_;  // Their offsets.
};

}  // namespace tentacle::cache
