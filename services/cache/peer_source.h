// Chunks from other tentacles of the site: from those that have the image, or from the one that
// fetches it for all.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "services/cache/chunk_source.h"
#include "services/cache/chunked.h"
#include "services/cache/core/peer_choice.h"
#include "services/cache/neighbours.h"
#include "services/cache/wan_limiter.h"

namespace tentacle::cache {

// How far the others are with one image: asked on `asking` again and again as long as it lives.
class PeerWatch : public std::enable_shared_from_this<PeerWatch> {
 public:
  PeerWatch(std::shared_ptr<Neighbours> neighbours,
            boost::asio::thread_pool& asking,
            std::string image_id,
            std::string sha256);

  void Start();
  void Stop();

  // As of the last answers; nothing before the first.
  std::optional<std::vector<PeerHas>> Seen() const;
  // Waits for the first answers, or until `stop`.
  std::vector<PeerHas> Await(Stopping& stop);
  // It is not counted on until it is asked again.
  void Forget(const std::string& node_id);

 private:
  void AskAndWait();

  const std::shared_ptr<Neighbours> neighbours_;
  const std::string image_id_;
  const std::string sha256_;
  boost::asio::steady_timer timer_;
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<std::vector<PeerHas>> seen_;
  bool stopped_ = false;
};

class PeerSource final : public ChunkSource {
 public:
  struct Parts {
    std::shared_ptr<Neighbours> neighbours;
    boost::asio::thread_pool& asking;
    const WanLimiter& line;  // What a peer is held against.
  };

  // `chunked` must outlive it.
  PeerSource(Parts parts, const v1::Image& image, const Chunked& chunked);
  ~PeerSource() override;
  PeerSource(const PeerSource&) = delete;
  PeerSource& operator=(const PeerSource&) = delete;

  std::string_view name() const override { return name_; }

  ChunkOrigin origin() const override { return ChunkOrigin::kPeer; }

  std::size_t Offers(const ChunkRun& run) override;
  bool Expects(std::size_t chunk) override;
  absl::Status Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) override;
  void Judge(std::size_t chunk, bool right) override;

 private:
  std::optional<PeerChoice> Choose(const std::vector<PeerHas>& seen, const ChunkRun& run) const;
  double LineMbit() const;  // What the WAN would give.

  Parts parts_;
  const std::string image_id_;
  const std::string sha256_;
  const chunks::ChunkList& list_;
  std::shared_ptr<PeerWatch> watch_;
  std::string name_ = "peer";
  std::string asked_;  // Whom Fetch() asks.
  bool lied_ = false;
};

}  // namespace tentacle::cache
