// How often somebody may guess: so many failures a minute and address, then a pause. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include <absl/time/time.h>

namespace tentacle::backend {

class FailureLimit {
 public:
  // A person who mistypes a token, and a few boxes behind one address, stay below it.
  static constexpr std::size_t kFailures = 10;
  static constexpr absl::Duration kWindow = absl::Minutes(1);
  // Addresses that are remembered; with more, the one that failed longest ago is forgotten.
  static constexpr std::size_t kAddresses = 4096;

  bool Allows(const std::string& address, absl::Time now) {
    const auto at = failures_.find(address);
    if (at == failures_.end()) return true;
    while (!at->second.empty() && now - at->second.front() >= kWindow)
      at->second.pop_front();
    if (at->second.empty()) failures_.erase(at);
    return !failures_.contains(address) || failures_[address].size() < kFailures;
  }

  void Failed(const std::string& address, absl::Time now) {
    if (!failures_.contains(address) && failures_.size() >= kAddresses) Forget();
    std::deque<absl::Time>& times = failures_[address];
    times.push_back(now);
    if (times.size() > kFailures) times.pop_front();
  }

 private:
  void Forget() {
    auto oldest = failures_.begin();
    for (auto at = failures_.begin(); at != failures_.end(); ++at) {
      if (at->second.back() < oldest->second.back()) oldest = at;
    }
    failures_.erase(oldest);
  }

  std::map<std::string, std::deque<absl::Time>> failures_;
};

}  // namespace tentacle::backend
