// One image, from wherever its bytes are, onto the disk: resume, check, publish. Blocking; runs on
// the pull threads.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/retry/backoff.h"
#include "services/cache/chunk_source.h"
#include "services/cache/chunked.h"
#include "services/cache/limits.h"
#include "services/cache/line_limiter.h"
#include "services/cache/local_source.h"
#include "services/cache/origin.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

constexpr retry::BackoffPolicy kRetries{limits::kBackoffBase, limits::kBackoffCap};

// In [0, 1], for Backoff::Next(). Thread safe.
double Jitter();

struct PullJob {
  Origin origin;
  v1::Image image;
  std::string part_path;
  std::string final_path;
  retry::BackoffPolicy retries = kRetries;
  std::uint64_t min_free_bytes = 0;  // Of the disk; below it the pull ends.
  bool was_whole = false;            // What is wrong in the file is news.
  // Null: without a chunk list, in order, checked as a whole.
  std::shared_ptr<Chunked> chunked;
  std::vector<LocalImage> local_images;
  LocalSource::LoadList load_list;
  // Sources beside this disk and the backend, asked in this order between the two.
  std::function<ChunkSources(const v1::Image& image, const Chunked& chunked)> more_sources;
  OriginLine line;
  // Called on the pull thread.
  std::function<void(std::uint64_t present)> on_found;        // So much was here already.
  std::function<void(std::uint64_t present)> on_progress;     // More has come.
  std::function<void(const std::string& reason)> on_trouble;  // A try failed; another follows.
  std::function<void()> on_verifying;
  std::function<void()> on_right;    // Its hash is right; what is left is the disk.
  std::function<void()> on_restart;  // What was here is thrown away.
  std::function<void(ChunkOrigin from, std::uint64_t bytes)> on_fetched;  // Not over `line`.
  // A chunk was wrong; `where`: "backend", "disk", ....
  std::function<void(std::size_t chunk, std::string_view where)> on_wrong_chunk;
  std::function<void(const std::string& image_id)> on_rotten;  // Another image's file is damaged.
  Stopping* stop = nullptr;                                    // Must outlive the call.
};

// Returns when the image is whole, verified, synced and renamed. DataLoss: its hash is wrong,
// twice. ResourceExhausted: the disk is full. NotFound. Cancelled: `stop`. Unavailable: several
// tries in a row brought no byte; what is here stays, another call goes on with it.
absl::Status Pull(const PullJob& job);

// The two ways of it. The first needs job.chunked.
absl::Status PullChunks(const PullJob& job);
absl::Status PullInOrder(const PullJob& job);

// ResourceExhausted when the disk of `path` has less than `min_free` free bytes.
absl::Status CheckFree(const std::string& path, std::uint64_t min_free);

}  // namespace tentacle::cache
