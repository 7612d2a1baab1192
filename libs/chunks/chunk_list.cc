#include "libs/chunks/chunk_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tentacle::chunks {

namespace {

// The version is its last character.
constexpr std::string_view kMagic = "OFCHUNK1";

template <class Number>
void Put(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xff));
}

void Put(std::string& out, const Digest& digest) {
  out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

template <class Number>
Number Take(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  bytes.remove_prefix(sizeof(Number));
  return static_cast<Number>(number);
}

Digest TakeDigest(std::string_view& bytes) {
  Digest digest{};
  std::memcpy(digest.data(), bytes.data(), digest.size());
  bytes.remove_prefix(digest.size());
  return digest;
}

}  // namespace

std::size_t ChunkList::At(std::uint64_t offset) const {
  const auto after = std::upper_bound(
      chunks.begin(), chunks.end(), offset,
      [](std::uint64_t wanted, const Chunk& chunk) { return wanted < chunk.offset; });
  return static_cast<std::size_t>(after - chunks.begin()) - 1;
}

std::string Encode(const ChunkList& list) {
  std::string out;
  out.reserve(kListHeadBytes + list.chunks.size() * kListEntryBytes + kListTailBytes);
  out += kMagic;
  Put(out, list.size());
  Put(out, static_cast<std::uint32_t>(list.sizes.min));
  Put(out, static_cast<std::uint32_t>(list.sizes.avg));
  Put(out, static_cast<std::uint32_t>(list.sizes.max));
  Put(out, static_cast<std::uint32_t>(list.chunks.size()));
  Put(out, list.whole);
  for (const Chunk& chunk : list.chunks) {
    Put(out, chunk.length);
    Put(out, chunk.digest);
  }
  Put(out, Sha256::Of(out));
  return out;
}

absl::StatusOr<ChunkList> Decode(std::string_view bytes) {
  if (bytes.size() < kListHeadBytes + kListTailBytes || bytes.size() > kMaxListBytes)
    return absl::DataLossError(fmt::format("{} bytes are no chunk list", bytes.size()));
  std::string_view tail = bytes.substr(bytes.size() - kListTailBytes);
  bytes.remove_suffix(kListTailBytes);
  if (!bytes.starts_with(kMagic)) return absl::DataLossError("this is no chunk list of version 1");
  if (TakeDigest(tail) != Sha256::Of(bytes))
    return absl::DataLossError("the chunk list is damaged");
  bytes.remove_prefix(kMagic.size());
  ChunkList list;
  const auto size = Take<std::uint64_t>(bytes);
  list.sizes.min = Take<std::uint32_t>(bytes);
  list.sizes.avg = Take<std::uint32_t>(bytes);
  list.sizes.max = Take<std::uint32_t>(bytes);
  const std::size_t count = Take<std::uint32_t>(bytes);
  list.whole = TakeDigest(bytes);
  if (count > kMaxChunks || bytes.size() != count * kListEntryBytes)
    return absl::DataLossError(fmt::format("the chunk list states {} chunks", count));
  list.chunks.reserve(count);
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto length = Take<std::uint32_t>(bytes);
    if (length == 0 || length > kMaxChunkBytes)
      return absl::DataLossError(fmt::format("chunk {} states {} bytes", i, length));
    list.chunks.push_back({offset, length, TakeDigest(bytes)});
    offset += length;
  }
  if (offset != size)
    return absl::DataLossError(fmt::format("chunks of {} bytes, stated are {}", offset, size));
  return list;
}

void ListBuilder::Add(std::string_view bytes) {
  whole_.Add(bytes);
  const std::size_t max = list_.sizes.max;
  while (!rest_.empty() && !bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), max - std::min(max, rest_.size()));
    rest_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (rest_.size() < max) return;
    const std::size_t cut = FirstChunk(rest_, list_.sizes);
    CutFront(std::string_view(rest_).substr(0, cut));
    rest_.erase(0, cut);
  }
  while (bytes.size() >= max) {
    const std::size_t cut = FirstChunk(bytes, list_.sizes);
    CutFront(bytes.substr(0, cut));
    bytes.remove_prefix(cut);
  }
  rest_.append(bytes);
}

void ListBuilder::CutFront(std::string_view bytes) {
  // One more than allowed is remembered, so that Finish() can tell.
  if (list_.chunks.size() <= kMaxChunks)
    list_.chunks.push_back({offset_, static_cast<std::uint32_t>(bytes.size()), Sha256::Of(bytes)});
  offset_ += bytes.size();
}

absl::StatusOr<ChunkList> ListBuilder::Finish() {
  std::string_view rest = rest_;
  while (!rest.empty()) {
    const std::size_t cut = FirstChunk(rest, list_.sizes);
    CutFront(rest.substr(0, cut));
    rest.remove_prefix(cut);
  }
  if (list_.chunks.size() > kMaxChunks)
    return absl::OutOfRangeError(fmt::format("more than {} chunks", kMaxChunks));
  list_.whole = Whole();
  return std::move(list_);
}

}  // namespace tentacle::chunks
