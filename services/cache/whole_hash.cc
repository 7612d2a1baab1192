#include "services/cache/whole_hash.h"

#include <algorithm>
#include <vector>

#include "services/cache/limits.h"

namespace tentacle::cache {

WholeHash::WholeHash(const PartFile& file, std::uint64_t size) : file_(file), size_(size) {
  thread_ = std::thread([this] { Run(); });
}

WholeHash::~WholeHash() {
  {
    const std::lock_guard lock(mutex_);
    broken_off_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void WholeHash::Reach(std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    // A wake-up for each chunk would cost more than its hash.
    if (bytes < size_ && bytes - reached_ < limits::kHashBytes) return;
    reached_ = bytes;
  }
  changed_.notify_all();
}

std::optional<chunks::Digest> WholeHash::Finish(Stopping& stop) {
  std::unique_lock lock(mutex_);
  while (!ended_ && !stop.begun())
    changed_.wait_for(lock, std::chrono::milliseconds(200));
  return digest_;
}

void WholeHash::Run() {
  chunks::Sha256 hash;
  std::vector<char> buffer(limits::kHashBytes);
  std::uint64_t at = 0;
  for (;;) {
    std::uint64_t until = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return broken_off_ || reached_ > at || at == size_; });
      if (broken_off_) return;
      until = reached_;
    }
    while (at < until && !broken_off_) {
      const auto got =
          file_.Read(at, buffer.data(),
                     static_cast<std::size_t>(std::min<std::uint64_t>(until - at, buffer.size())));
      if (!got.ok() || *got == 0) break;
      hash.Add({buffer.data(), *got});
      at += *got;
    }
    if (broken_off_) return;
    const std::lock_guard lock(mutex_);
    if (at < until || at == size_) {  // Unreadable, or the end.
      if (at == size_) digest_ = hash.Take();
      ended_ = true;
      changed_.notify_all();
      return;
    }
  }
}

}  // namespace tentacle::cache
