// Is a download that goes on going on? Endless data and slow retrieval are refused here.
#pragma once

#include <cstdint>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "services/agent/limits.h"

namespace tentacle::agent {

class Retrieval {
 public:
  Retrieval(std::uint64_t signed_bytes, absl::Time now)
      : signed_bytes_(signed_bytes), window_begins_(now) {}

  // A piece has come. ResourceExhausted: more than was signed; DeadlineExceeded: too slow.
  absl::Status Add(std::uint64_t bytes, absl::Time now) {
    if (bytes > signed_bytes_ - bytes_) {
      return absl::ResourceExhaustedError("endless data: more bytes than the manifest says");
    }
    bytes_ += bytes;
    window_bytes_ += bytes;
    if (now - window_begins_ < limits::kRetrievalWindow) return absl::OkStatus();
    const bool slow = window_bytes_ < limits::kRetrievalLeastBytes && bytes_ < signed_bytes_;
    window_begins_ = now;
    window_bytes_ = 0;
    return slow ? absl::DeadlineExceededError("slow retrieval: less than 1 KiB/s for a minute")
                : absl::OkStatus();
  }

  bool complete() const { return bytes_ == signed_bytes_; }

 private:
  std::uint64_t signed_bytes_;
  std::uint64_t bytes_ = 0;
  absl::Time window_begins_;
  std::uint64_t window_bytes_ = 0;
};

}  // namespace tentacle::agent
