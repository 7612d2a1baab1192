// Appends big-endian values to a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "libs/wire/reader.h"

namespace tentacle::wire {

class Writer {
 public:
  void U8(std::uint8_t value) { out_.push_back(value); }

  void U16(std::uint16_t value) {
    U8(static_cast<std::uint8_t>(value >> 8));
    U8(static_cast<std::uint8_t>(value & 0xff));
  }

  void U32(std::uint32_t value) {
    U16(static_cast<std::uint16_t>(value >> 16));
    U16(static_cast<std::uint16_t>(value & 0xffff));
  }

  void Append(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  void Text(std::string_view text) { out_.insert(out_.end(), text.begin(), text.end()); }

  // Zeros until the buffer is `size` long.
  void PadTo(std::size_t size) {
    if (out_.size() < size) out_.resize(size, 0);
  }

  std::size_t size() const { return out_.size(); }

  Buffer Finish() { return std::move(out_); }

 private:
  Buffer out_;
};

}  // namespace tentacle::wire
