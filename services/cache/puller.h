// One image over the line: metadata, bytes, resume, hash. Blocking; runs on the pull threads.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>
#include <tentacle/config/v1/config.pb.h>

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/statusor.h>

#include "libs/retry/backoff.h"
#include "services/cache/limits.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Where images come from and who asks. Read anew for each pull: an enrollment may come after the
// start.
struct Origin {
  config::v1::BackendConfig backend;
  std::string node_id;
  std::string key_file;
};

// NotFound: the backend has no such image. Unavailable, Unauthenticated, FailedPrecondition (not
// enrolled).
absl::StatusOr<v1::Image> FetchMeta(const Origin& origin, const std::string& image_id);

constexpr retry::BackoffPolicy kRetries{limits::kBackoffBase, limits::kBackoffCap};

// In [0, 1], for Backoff::Next(). Thread safe.
double Jitter();

struct PullJob {
  Origin origin;
  v1::Image image;
  std::string part_path;
  std::string final_path;
  retry::BackoffPolicy retries = kRetries;
  // Called on the pull thread.
  std::function<void(std::uint64_t present)> on_progress;
  std::function<void(const std::string& reason)> on_trouble;  // A try failed; another follows.
  std::function<void()> on_verifying;
  std::function<void()> on_restart;  // What was here is thrown away.
  std::function<void(std::uint64_t bytes)> on_fetched;
  Stopping* stop = nullptr;  // Must outlive the call.
};

// Returns when the image is whole, verified, synced and renamed. DataLoss: its hash is wrong,
// twice. ResourceExhausted: the disk is full. NotFound. Cancelled: `stop`. Unavailable: several
// tries in a row brought no byte; what is here stays, another call goes on with it.
absl::Status Pull(const PullJob& job);

}  // namespace tentacle::cache
