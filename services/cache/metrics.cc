#include "services/cache/metrics.h"

namespace tentacle::cache {

namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(prometheus::Registry& registry,
                                              const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : fetched_(Counters(registry,
                        "tentacle_cache_fetched_bytes_total",
                        "Bytes of images from the backend.")
                   .Add({})),
      sources_(Counters(registry,
                        "tentacle_cache_found_bytes_total",
                        "Bytes of images that the backend did not have to send, by source.")),
      from_peers_(sources_.Add({{"source", "peer"}})),
      from_disk_(sources_.Add({{"source", "local"}})),
      served_(Counters(registry,
                       "tentacle_cache_served_bytes_total",
                       "Bytes of images asked for by clients.")
                  .Add({})),
      replies_(Counters(registry, "tentacle_cache_http_replies_total", "HTTP answers, by status.")),
      drops_(Counters(
          registry, "tentacle_cache_http_drops_total", "HTTP connections dropped, by reason.")),
      pulls_(Counters(registry, "tentacle_cache_pulls_total", "Pulls that ended, by outcome.")),
      troubles_(Counters(registry,
                         "tentacle_cache_pull_retries_total",
                         "Tries that failed within a pull.")
                    .Add({})),
      evictions_(
          Counters(registry, "tentacle_cache_evictions_total", "Images removed to make room.")
              .Add({})),
      doubts_(Counters(registry,
                       "tentacle_cache_doubts_total",
                       "Cached images whose file had to be checked again.")
                  .Add({})),
      wrong_chunks_(Counters(registry,
                             "tentacle_cache_wrong_chunks_total",
                             "Chunks whose hash was wrong, by where they came from.")),
      checks_(
          Counters(registry, "tentacle_cache_checks_total", "Checks of cached images, by result.")),
      used_(
          Gauges(registry, "tentacle_cache_used_bytes", "Bytes of images on disk, pulls included.")
              .Add({})),
      limit_(Gauges(registry, "tentacle_cache_limit_bytes", "The size limit in force.").Add({})),
      images_(Gauges(registry, "tentacle_cache_images", "Images known here, by state.")),
      wan_limit_(Gauges(registry,
                        "tentacle_cache_wan_limit_bytes_per_second",
                        "What pulls may take of the line now; 0 is all of it.")
                     .Add({})),
      wan_throughput_(Gauges(registry,
                             "tentacle_cache_wan_throughput_bytes_per_second",
                             "What the line to the backend gave when it was measured.")
                          .Add({})),
      line_bytes_(Gauges(registry,
                         "tentacle_cache_ledger_bytes",
                         "Bytes since the cache is there, by where they came from or went.")),
      prepulls_(Gauges(registry, "tentacle_cache_prepulls", "Prepulls that are not over.").Add({})),
      prepulls_ended_(Counters(
          registry, "tentacle_cache_prepulls_ended_total", "Prepulls that ended, by outcome.")),
      peer_requests_(Counters(registry,
                              "tentacle_cache_peer_requests_total",
                              "Questions to and from other tentacles, by outcome.")),
      peers_usable_(Gauges(registry,
                           "tentacle_cache_peers_usable",
                           "Tentacles of the site that may be asked for chunks.")
                        .Add({})) {}

void Metrics::Fetched(ChunkOrigin from, std::uint64_t bytes) {
  switch (from) {
    case ChunkOrigin::kBackend:
      fetched_.Increment(static_cast<double>(bytes));
      break;
    case ChunkOrigin::kPeer:
      from_peers_.Increment(static_cast<double>(bytes));
      break;
    case ChunkOrigin::kLocal:
      from_disk_.Increment(static_cast<double>(bytes));
      break;
  }
}

void Metrics::Served(std::uint64_t bytes) {
  served_.Increment(static_cast<double>(bytes));
}

void Metrics::Replied(unsigned status) {
  replies_.Add({{"status", std::to_string(status)}}).Increment();
}

void Metrics::HttpDropped(std::string_view reason) {
  drops_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::PullEnded(std::string_view outcome) {
  pulls_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::PullTrouble() {
  troubles_.Increment();
}

void Metrics::Evicted() {
  evictions_.Increment();
}

void Metrics::Doubted() {
  doubts_.Increment();
}

void Metrics::WrongChunk(std::string_view where) {
  wrong_chunks_.Add({{"from", std::string(where)}}).Increment();
}

void Metrics::Scrubbed(std::string_view result) {
  checks_.Add({{"result", std::string(result)}}).Increment();
}

void Metrics::Used(std::uint64_t bytes, std::uint64_t max_bytes) {
  used_.Set(static_cast<double>(bytes));
  limit_.Set(static_cast<double>(max_bytes));
}

void Metrics::Images(const std::map<std::string, std::size_t>& by_state) {
  for (const auto& [state, count] : by_state)
    images_.Add({{"state", state}}).Set(static_cast<double>(count));
}

void Metrics::WanLimit(double mbit) {
  wan_limit_.Set(mbit * 1e6 / 8);
}

void Metrics::Ledger(const v1::Ledger& ledger) {
  const auto set = [this](const char* kind, std::uint64_t bytes) {
    line_bytes_.Add({{"kind", kind}}).Set(static_cast<double>(bytes));
  };
  set("backend", ledger.backend_bytes());
  set("peer", ledger.peer_bytes());
  set("local", ledger.local_bytes());
  set("served", ledger.served_bytes());
  set("peer_served", ledger.peer_served_bytes());
  wan_throughput_.Set(ledger.throughput_mbit() * 1e6 / 8);
}

void Metrics::Prepulls(std::size_t waiting) {
  prepulls_.Set(static_cast<double>(waiting));
}

void Metrics::PrepullEnded(std::string_view outcome) {
  prepulls_ended_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::PeerAsked(std::string_view outcome) {
  peer_requests_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::PeersUsable(std::size_t count) {
  peers_usable_.Set(static_cast<double>(count));
}

}  // namespace tentacle::cache
