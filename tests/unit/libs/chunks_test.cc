// Where images are cut, and what a list of chunks looks like.
#include <cstdint>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "libs/chunks/chunk_list.h"

namespace tentacle::chunks {
namespace {

std::string Noise(std::uint64_t seed, std::size_t size) {
  std::string bytes;
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  while (bytes.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes.append(reinterpret_cast<const char*>(&state), sizeof state);
  }
  bytes.resize(size);
  return bytes;
}

ChunkList ListOf(const std::string& bytes, std::size_t piece = 1 << 20) {
  ListBuilder builder;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    builder.Add(std::string_view(bytes).substr(at, piece));
  return builder.Finish().value();
}

TEST(FastCdc, ChunksKeepTheirLimitsAndTheirAverage) {
  const std::string bytes = Noise(1, 32 << 20);
  const ChunkList list = ListOf(bytes);
  EXPECT_EQ(list.size(), bytes.size());
  for (std::size_t i = 0; i + 1 < list.chunks.size(); ++i) {
    EXPECT_GE(list.chunks[i].length, kChunkSizes.min);
    EXPECT_LE(list.chunks[i].length, kChunkSizes.max);
  }
  const std::size_t average = bytes.size() / list.chunks.size();
  EXPECT_GT(average, kChunkSizes.avg / 2);
  EXPECT_LT(average, kChunkSizes.avg * 2);
}

TEST(FastCdc, TheCutDoesNotDependOnHowTheBytesCome) {
  const std::string bytes = Noise(2, (3 << 20) + 17);
  const std::string once = Encode(ListOf(bytes, bytes.size()));
  EXPECT_EQ(Encode(ListOf(bytes, 1)), once);
  EXPECT_EQ(Encode(ListOf(bytes, 4099)), once);
  EXPECT_EQ(Encode(ListOf(bytes, kChunkSizes.max)), once);
}

TEST(FastCdc, AnInsertionCostsTheChunksAroundItOnly) {
  const std::string before = Noise(3, 16 << 20);
  const std::string after = before.substr(0, 5 << 20) + "inserted" + before.substr(5 << 20);
  std::set<Digest> known;
  for (const Chunk& chunk : ListOf(before).chunks)
    known.insert(chunk.digest);
  std::size_t strangers = 0;
  for (const Chunk& chunk : ListOf(after).chunks)
    strangers += known.contains(chunk.digest) ? 0 : 1;
  EXPECT_GE(strangers, 1u);
  EXPECT_LE(strangers, 4u);
}

TEST(ChunkList, ComesBackFromItsBytes) {
  const std::string bytes = Noise(4, (2 << 20) + 1);
  const ChunkList list = ListOf(bytes);
  const auto again = Decode(Encode(list));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Encode(*again), Encode(list));
  EXPECT_EQ(again->whole, Sha256::Of(bytes));
  for (const Chunk& chunk : again->chunks) {
    EXPECT_EQ(chunk.digest, Sha256::Of(bytes.substr(chunk.offset, chunk.length)));
    EXPECT_EQ(&again->chunks[again->At(chunk.offset)], &chunk);
    EXPECT_EQ(&again->chunks[again->At(chunk.end() - 1)], &chunk);
  }
}

TEST(ChunkList, OfNothingHasNoChunk) {
  const auto list = Decode(Encode(ListBuilder().Finish().value()));
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->size(), 0u);
}

TEST(ChunkList, AnyByteThatIsWrongAndAnyLengthThatIsShortIsNoticed) {
  const std::string good = Encode(ListOf(Noise(5, 300'000)));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(Decode(bad).ok()) << at;
    EXPECT_FALSE(Decode(good.substr(0, at)).ok()) << at;
  }
}

// The sum at the end is right, and what it stands under is not.
TEST(ChunkList, ALieIsNoticedAlsoUnderARightSum) {
  const auto lie = [](std::size_t at, char value) {
    std::string bad = Encode(ListOf(Noise(6, 300'000)));
    bad.resize(bad.size() - kListTailBytes);
    bad[at] = value;
    const Digest sum = Sha256::Of(bad);
    bad.append(reinterpret_cast<const char*>(sum.data()), sum.size());
    return Decode(bad).status();
  };
  EXPECT_TRUE(absl::IsDataLoss(lie(7, '2')));                   // Version.
  EXPECT_TRUE(absl::IsDataLoss(lie(8, 1)));                     // Size.
  EXPECT_TRUE(absl::IsDataLoss(lie(28, 127)));                  // Count.
  EXPECT_TRUE(absl::IsDataLoss(lie(kListHeadBytes + 3, 127)));  // A chunk of 2 GiB.
}

}  // namespace
}  // namespace tentacle::chunks
