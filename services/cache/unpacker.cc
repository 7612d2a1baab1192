#include "services/cache/unpacker.h"

#include <fmt/format.h>

namespace tentacle::cache {

namespace {

constexpr int kWindowLogMax = 23;

}  // namespace

Unpacker::Unpacker() : context_(ZSTD_createDCtx(), &ZSTD_freeDCtx), buffer_(ZSTD_DStreamOutSize()) {
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
}

absl::Status Unpacker::Add(std::string_view packed,
                           const std::function<absl::Status(std::string_view)>& take) {
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(result) != 0)
      return absl::UnavailableError(fmt::format("no Zstandard: {}", ZSTD_getErrorName(result)));
    if (absl::Status taken = take({buffer_.data(), out.pos}); !taken.ok()) return taken;
    // A full buffer may hold more back.
    if (in.pos == in.size && out.pos < out.size) return absl::OkStatus();
  }
}

}  // namespace tentacle::cache
