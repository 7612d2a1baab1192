// Every counter of the cache, by name.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace tentacle::cache {

// Home thread only.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void Fetched(std::uint64_t bytes);
  void Served(std::uint64_t bytes);
  void Replied(unsigned status);
  void HttpDropped(std::string_view reason);
  void PullEnded(std::string_view outcome);
  void PullTrouble();
  void Evicted();
  void Used(std::uint64_t bytes, std::uint64_t max_bytes);
  void Images(const std::map<std::string, std::size_t>& by_state);

 private:
  prometheus::Counter& fetched_;
  prometheus::Counter& served_;
  prometheus::Family<prometheus::Counter>& replies_;
  prometheus::Family<prometheus::Counter>& drops_;
  prometheus::Family<prometheus::Counter>& pulls_;
  prometheus::Counter& troubles_;
  prometheus::Counter& evictions_;
  prometheus::Gauge& used_;
  prometheus::Gauge& limit_;
  prometheus::Family<prometheus::Gauge>& images_;
};

}  // namespace tentacle::cache
