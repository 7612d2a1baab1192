// The word that everything ends, for threads that work and threads that pause.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <absl/time/time.h>

namespace tentacle::cache {

// Thread safe. Cannot be taken back.
class Stopping {
 public:
  void Begin() {
    {
      // Under the lock: a thread between its look at the flag and its sleep would miss the word.
      const std::lock_guard lock(mutex_);
      begun_ = true;
    }
    told_.notify_all();
  }

  bool begun() const { return begun_; }

  // For who looks at it now and then (net::ClientRequest::cancel).
  const std::atomic<bool>& flag() const { return begun_; }

  // Sleeps for so long, or until it begins.
  void Pause(absl::Duration delay) {
    std::unique_lock lock(mutex_);
    told_.wait_for(lock, absl::ToChronoNanoseconds(delay), [this] { return begun_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::atomic<bool> begun_ = false;
};

}  // namespace tentacle::cache
