#include "backend/packer.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

namespace tentacle::backend {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
// The default of the tool: 300 MB/s and more on one core, faster than any line this is for.
constexpr int kLevel = 3;

}  // namespace

Packer::Packer(net::FileSpan span)
    : span_(std::move(span)), context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
}

absl::StatusOr<std::string> Packer::Next() {
  std::string packed;
  while (packed.empty() && !complete_) {
    std::string piece(std::min<std::uint64_t>(span_.length, kReadBytes), '\0');
    const ssize_t got =
        ::pread(*span_.fd, piece.data(), piece.size(), static_cast<off_t>(span_.offset));
    if (got < 0 || (got == 0 && span_.length > 0))
      return absl::DataLossError("the image's file cannot be read");
    span_.offset += static_cast<std::uint64_t>(got);
    span_.length -= static_cast<std::uint64_t>(got);
    Pack({piece.data(), static_cast<std::size_t>(got)}, packed);
  }
  return packed;
}

void Packer::Pack(std::string_view piece, std::string& packed) {
  ZSTD_inBuffer in{piece.data(), piece.size(), 0};
  const ZSTD_EndDirective end = span_.length == 0 ? ZSTD_e_end : ZSTD_e_continue;
  std::vector<char> buffer(ZSTD_CStreamOutSize());
  for (;;) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, end);
    packed.append(buffer.data(), out.pos);
    complete_ = end == ZSTD_e_end && left == 0;
    if (end == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
  }
}

}  // namespace tentacle::backend
