// Every counter of the cache, by name.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <map>
#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/cache/chunk_source.h"

namespace tentacle::cache {

// Home thread only, but for Fetched().
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void Fetched(ChunkOrigin from, std::uint64_t bytes);
  void Served(std::uint64_t bytes);
  void Replied(unsigned status);
  void HttpDropped(std::string_view reason);
  void PullEnded(std::string_view outcome);
  void PullTrouble();
  void Evicted();
  void Doubted();
  void WrongChunk(std::string_view where);
  void Scrubbed(std::string_view result);
  void Used(std::uint64_t bytes, std::uint64_t max_bytes);
  void Images(const std::map<std::string, std::size_t>& by_state);
  void WanLimit(double mbit);  // 0: none.
  void Ledger(const v1::Ledger& ledger);
  void Prepulls(std::size_t waiting);
  void PrepullEnded(std::string_view outcome);
  void PeerAsked(std::string_view outcome);
  void PeersUsable(std::size_t count);

 private:
  prometheus::Counter& fetched_;
  prometheus::Family<prometheus::Counter>& sources_;
  prometheus::Counter& from_peers_;
  prometheus::Counter& from_disk_;
  prometheus::Counter& served_;
  prometheus::Family<prometheus::Counter>& replies_;
  prometheus::Family<prometheus::Counter>& drops_;
  prometheus::Family<prometheus::Counter>& pulls_;
  prometheus::Counter& troubles_;
  prometheus::Counter& evictions_;
  prometheus::Counter& doubts_;
  prometheus::Family<prometheus::Counter>& wrong_chunks_;
  prometheus::Family<prometheus::Counter>& checks_;
  prometheus::Gauge& used_;
  prometheus::Gauge& limit_;
  prometheus::Family<prometheus::Gauge>& images_;
  prometheus::Gauge& wan_limit_;
  prometheus::Gauge& wan_throughput_;
  prometheus::Family<prometheus::Gauge>& line_bytes_;
  prometheus::Gauge& prepulls_;
  prometheus::Family<prometheus::Counter>& prepulls_ended_;
  prometheus::Family<prometheus::Counter>& peer_requests_;
  prometheus::Gauge& peers_usable_;
};

}  // namespace tentacle::cache
