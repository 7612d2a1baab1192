// An image as its chunks: offsets, lengths, SHA-256 of each and of the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/chunks/fast_cdc.h"
#include "libs/chunks/sha256.h"

namespace tentacle::chunks {

struct Chunk {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  Digest digest{};

  std::uint64_t end() const { return offset + length; }
};

struct ChunkList {
  ChunkSizes sizes;
  Digest whole{};  // Of the image.
  std::vector<Chunk> chunks;

  std::uint64_t size() const { return chunks.empty() ? 0 : chunks.back().end(); }

  // The chunk that holds the byte at `offset`, which is below size().
  std::size_t At(std::uint64_t offset) const;
};

// 64 GiB of the average; a larger image has no list and is pulled without one.
inline constexpr std::size_t kMaxChunks = 2u << 20;
// No chunk of a list that is believed is larger: it is held in memory to be checked.
inline constexpr std::size_t kMaxChunkBytes = 4u << 20;
inline constexpr std::size_t kListHeadBytes = 64;
inline constexpr std::size_t kListEntryBytes = 36;
inline constexpr std::size_t kListTailBytes = 32;
inline constexpr std::size_t kMaxListBytes =
    kListHeadBytes + kMaxChunks * kListEntryBytes + kListTailBytes;

std::string Encode(const ChunkList& list);
// DataLoss: damaged, or no list.
absl::StatusOr<ChunkList> Decode(std::string_view bytes);

// Cuts what it is given.
class ListBuilder {
 public:
  explicit ListBuilder(ChunkSizes sizes = kChunkSizes) { list_.sizes = sizes; }

  void Add(std::string_view bytes);

  // Of all that was added; nothing may be added after it.
  const Digest& Whole() {
    if (!whole_digest_) whole_digest_ = whole_.Take();
    return *whole_digest_;
  }

  // OutOfRange: more than kMaxChunks.
  absl::StatusOr<ChunkList> Finish();

 private:
  void CutFront(std::string_view bytes);

  ChunkList list_;
  std::uint64_t offset_ = 0;
  std::string rest_;
  Sha256 whole_;
  std::optional<Digest> whole_digest_;
};

}  // namespace tentacle::chunks
