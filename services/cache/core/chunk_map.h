// Which chunks of an image are on the disk and right. A chunk that was marked may be read by
// anybody.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tentacle::cache {

// One thread marks, any thread looks.
class ChunkMap {
 public:
  explicit ChunkMap(std::size_t count) : count_(count), words_((count + 63) / 64) {}

  std::size_t count() const { return count_; }

  bool Has(std::size_t chunk) const {
    return (words_[chunk / 64].load(std::memory_order_acquire) >> (chunk % 64) & 1) != 0;
  }

  // What was written to the file before is seen by who sees the mark.
  void Mark(std::size_t chunk) {
    words_[chunk / 64].fetch_or(std::uint64_t{1} << (chunk % 64), std::memory_order_release);
  }

  void Unmark(std::size_t chunk) {
    words_[chunk / 64].fetch_and(~(std::uint64_t{1} << (chunk % 64)), std::memory_order_release);
  }

  void MarkAll() {
    for (std::size_t chunk = 0; chunk < count_; ++chunk)
      Mark(chunk);
  }

  // The first from `from` on that is not here (is here); count() when there is none.
  std::size_t FirstMissing(std::size_t from) const { return First(from, ~std::uint64_t{0}); }

  std::size_t FirstPresent(std::size_t from) const { return First(from, 0); }

 private:
  std::size_t First(std::size_t from, std::uint64_t flip) const {
    for (std::size_t word = from / 64; word < words_.size(); ++word) {
      std::uint64_t bits = words_[word].load(std::memory_order_acquire) ^ flip;
      if (word == from / 64) bits &= ~std::uint64_t{0} << (from % 64);
      if (bits == 0) continue;
      const std::size_t found = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      return found < count_ ? found : count_;
    }
    return count_;
  }

  std::size_t count_;
  std::vector<std::atomic<std::uint64_t>> words_;
};

}  // namespace tentacle::cache
