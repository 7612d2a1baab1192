// The SHA-256 of a whole file that is still being written, on a thread of its own: it follows the
// bytes that are there from the start on, so that it is known as soon as the last one is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "libs/chunks/sha256.h"
#include "services/cache/part_file.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

class WholeHash {
 public:
  // `file` must outlive it.
  WholeHash(const PartFile& file, std::uint64_t size);
  // Breaks off.
  ~WholeHash();
  WholeHash(const WholeHash&) = delete;
  WholeHash& operator=(const WholeHash&) = delete;

  // The first so many bytes are there and will not change.
  void Reach(std::uint64_t bytes);
  // Waits until all is hashed. Nothing: `stop` began or the file cannot be read.
  std::optional<chunks::Digest> Finish(Stopping& stop);

 private:
  void Run();

  const PartFile& file_;
  const std::uint64_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t reached_ = 0;
  bool ended_ = false;
  std::atomic<bool> broken_off_ = false;
  std::optional<chunks::Digest> digest_;
  std::thread thread_;
};

}  // namespace tentacle::cache
