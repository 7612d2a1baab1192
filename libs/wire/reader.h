// A bounded big-endian cursor over received bytes. A short read turns it bad and returns zeros; ask ok() once,
// after the fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tentacle::wire {

using Bytes = std::span<const std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size() - at_; }

  std::uint8_t U8() {
    const Bytes part = Take(1);
    return part.empty() ? std::uint8_t{0} : part[0];
  }

  std::uint16_t U16() {
    const unsigned high = U8();
    return static_cast<std::uint16_t>(high << 8 | U8());
  }

  std::uint32_t U32() {
    const std::uint32_t high = U16();
    return high << 16 | U16();
  }

  // The next `count` octets, or none and bad.
  Bytes Take(std::size_t count) {
    if (!ok_ || remaining() < count) {
      ok_ = false;
      return {};
    }
    const Bytes part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }

  template <std::size_t N>
  std::array<std::uint8_t, N> Array() {
    std::array<std::uint8_t, N> out{};
    const Bytes part = Take(N);
    for (std::size_t i = 0; i < part.size(); ++i) out[i] = part[i];
    return out;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace tentacle::wire
