// A store in memory, which can refuse.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/store/store.h"

namespace tentacle::testing {

class MemoryStore final : public store::Store {
 public:
  MemoryStore() = default;

  explicit MemoryStore(std::map<std::string, std::string, std::less<>> content)
      : content_(std::move(content)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto found = content_.find(key);
    if (found == content_.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

  absl::Status Apply(const std::vector<store::Write>& writes, bool) override {
    const std::lock_guard lock(mutex_);
    if (refusals_ > 0) {
      --refusals_;
      return absl::ResourceExhaustedError("the disk is full");
    }
    for (const auto& write : writes) {
      if (write.value) {
        content_[write.key] = *write.value;
      } else {
        content_.erase(write.key);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Scan(std::string_view from,
                    std::string_view to,
                    const std::function<bool(std::string_view, std::string_view)>& visit) override {
    for (const auto& [key, value] : Snapshot()) {
      if (key >= from && key < to && !visit(key, value)) break;
    }
    return absl::OkStatus();
  }

  bool recovered() const override { return false; }

  // What a process that is killed now leaves behind.
  std::map<std::string, std::string, std::less<>> Snapshot() {
    const std::lock_guard lock(mutex_);
    return content_;
  }

  void RefuseNext(int writes) {
    const std::lock_guard lock(mutex_);
    refusals_ = writes;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> content_;
  int refusals_ = 0;
};

}  // namespace tentacle::testing
