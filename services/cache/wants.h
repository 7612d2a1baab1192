// What clients wait for just now: written by the home thread, read by the pull thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <vector>

namespace tentacle::cache {

// Thread safe.
class Wants {
 public:
  // For as long as it lives, somebody waits for the byte at that offset.
  class Want {
   public:
    Want(Wants& wants, std::uint64_t offset) : wants_(wants), at_(wants.Add(offset)) {}

    ~Want() { wants_.Remove(at_); }

    Want(const Want&) = delete;
    Want& operator=(const Want&) = delete;

   private:
    Wants& wants_;
    std::list<std::uint64_t>::iterator at_;
  };

  // Who asked first comes first.
  std::vector<std::uint64_t> offsets() const {
    if (count_ == 0) return {};
    const std::lock_guard lock(mutex_);
    return {offsets_.begin(), offsets_.end()};
  }

  // Grows with each new want: nothing new needs no look at the offsets.
  std::uint64_t version() const { return version_; }

 private:
  std::list<std::uint64_t>::iterator Add(std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    ++count_;
    ++version_;
    return offsets_.insert(offsets_.end(), offset);
  }

  void Remove(std::list<std::uint64_t>::iterator at) {
    const std::lock_guard lock(mutex_);
    --count_;
    offsets_.erase(at);
  }

  mutable std::mutex mutex_;
  std::list<std::uint64_t> offsets_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace tentacle::cache
