// A stretch of a file as one Zstandard frame (RFC 8878), made while it is read. Blocking.
#pragma once

#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "libs/net/http_types.h"

namespace tentacle::backend {

class Packer {
 public:
  explicit Packer(net::FileSpan span);

  // The next bytes of the frame; none: it is complete. DataLoss: the file cannot be read or became
  // shorter.
  absl::StatusOr<std::string> Next();

 private:
  void Pack(std::string_view piece, std::string& packed);

  net::FileSpan span_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  bool complete_ = false;
};

}  // namespace tentacle::backend
