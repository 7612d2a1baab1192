// Zstandard (RFC 8878), undone piece by piece.
#pragma once

#include <zstd.h>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

namespace tentacle::cache {

class Unpacker {
 public:
  Unpacker();

  // Hands what comes out of `packed` to `take`, and ends with the first status that is not OK.
  // Unavailable: these are no such bytes, or they would need a window of more than 8 MiB.
  absl::Status Add(std::string_view packed,
                   const std::function<absl::Status(std::string_view)>& take);

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  std::vector<char> buffer_;
};

}  // namespace tentacle::cache
