#include "libs/chunks/fast_cdc.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace tentacle::chunks {

namespace {

// One random number for each byte value, from splitmix64 with a fixed seed: the same in every
// build.
constexpr std::array<std::uint64_t, 256> MakeGear() {
  std::array<std::uint64_t, 256> gear{};
  std::uint64_t state = 0x4f63746f666c6565;
  for (std::uint64_t& value : gear) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    value = mixed ^ (mixed >> 31);
  }
  return gear;
}

constexpr std::array<std::uint64_t, 256> kGear = MakeGear();
// Normalised chunking of level 2: cuts are four times rarer than the average asks for before it is
// reached, and four times more frequent behind it, so that sizes lie close together.
constexpr int kNormalisation = 2;

// The topmost bits, which the last 64 bytes have all had a part in.
constexpr std::uint64_t TopBits(int count) {
  return ~std::uint64_t{0} << (64 - count);
}

}  // namespace

std::size_t FirstChunk(std::string_view bytes, const ChunkSizes& sizes) {
  const std::size_t end = std::min(bytes.size(), sizes.max);
  if (end <= sizes.min) return end;
  const int bits = static_cast<int>(std::bit_width(sizes.avg)) - 1;
  const std::size_t middle = std::min(sizes.avg, end);
  std::uint64_t hash = 0;
  std::size_t at = sizes.min;
  const std::uint64_t rare = TopBits(bits + kNormalisation);
  for (; at < middle; ++at) {
    hash = (hash << 1) + kGear[static_cast<unsigned char>(bytes[at])];
    if ((hash & rare) == 0) return at + 1;
  }
  const std::uint64_t frequent = TopBits(bits - kNormalisation);
  for (; at < end; ++at) {
    hash = (hash << 1) + kGear[static_cast<unsigned char>(bytes[at])];
    if ((hash & frequent) == 0) return at + 1;
  }
  return end;
}

}  // namespace tentacle::chunks
