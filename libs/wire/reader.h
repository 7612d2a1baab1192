// A bounded big-endian cursor over received bytes. A short read turns it bad and returns zeros; ask
// ok() once, after the fields.
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
    const Bytes part = Take(2);
    return part.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(part[0] << 8 | part[1]);
  }

  std::uint32_t U32() {
    const Bytes part = Take(4);
    if (part.empty()) return 0;
    std::uint32_t value = 0;
    for (const std::uint8_t octet : part)
      value = value << 8 | octet;
    return value;
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
    for (std::size_t i = 0; i < part.size(); ++i)
      out[i] = part[i];
    return out;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace tentacle::wire
