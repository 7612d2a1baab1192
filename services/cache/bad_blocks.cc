#include "services/cache/bad_blocks.h"

#include <vector>

#include "services/cache/core/pull_plan.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

constexpr std::uint64_t kBlock = limits::kDiskBlockBytes;

std::uint64_t BlockOf(std::uint64_t offset) {
  return offset / kBlock * kBlock;
}

}  // namespace

void BadBlocks::Find(std::uint64_t begin, std::uint64_t end) {
  std::vector<char> buffer(kBlock);
  for (std::uint64_t at = BlockOf(begin); at < end; at += kBlock) {
    if (!file_.Read(at, buffer.data(), kBlock).ok()) blocks_.insert(at);
  }
}

void BadBlocks::GiveBack(std::uint64_t begin, std::uint64_t end) {
  for (auto at = blocks_.lower_bound(BlockOf(begin)); at != blocks_.end() && *at < end;) {
    if (AnyIsHere(list_, map_, *at, *at + kBlock)) {
      ++at;
      continue;
    }
    static_cast<void>(file_.PunchHole(*at, kBlock));
    at = blocks_.erase(at);
  }
}

}  // namespace tentacle::cache
