// The image folder: what may be registered, what a file is. Blocking.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "backend/store/task_store.h"

namespace tentacle::backend {

// Who copies a file into the folder writes at least so often.
inline constexpr absl::Duration kFileSettles = absl::Seconds(2);

class ImageFiles {
 public:
  explicit ImageFiles(std::string folder, absl::Duration settles = kFileSettles)
      : folder_(std::move(folder)), settles_(settles) {}

  absl::Duration settles() const { return settles_; }

  // The absolute path of a regular file below the folder. InvalidArgument: it would lead out of it,
  // also through a symbolic link; NotFound.
  absl::StatusOr<std::string> Resolve(const std::string& relative) const;
  // Reads the whole file: size, SHA-256, format by its first bytes, unpacked size where it can be
  // told. Aborted: it was written a moment ago or meanwhile, try again later.
  absl::StatusOr<HashedImage> Hash(const std::string& relative) const;

 private:
  std::string folder_;
  absl::Duration settles_;
};

// "raw.zst", "wim" or "raw".
std::string_view FormatOf(std::string_view head);
// Frame_Content_Size of a Zstandard frame header (RFC 8878 section 3.1.1.1); 0 when it is not told.
std::uint64_t ZstdContentSize(std::string_view head);

}  // namespace tentacle::backend
