#include "services/cache/peer_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include <boost/asio/post.hpp>

#include "services/cache/core/peer_pace.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

PeerWatch::PeerWatch(std::shared_ptr<Neighbours> neighbours,
                     boost::asio::thread_pool& asking,
                     std::string image_id,
                     std::string sha256)
    : neighbours_(std::move(neighbours)),
      image_id_(std::move(image_id)),
      sha256_(std::move(sha256)),
      timer_(asking) {}

void PeerWatch::Start() {
  boost::asio::post(timer_.get_executor(), [self = shared_from_this()] { self->AskAndWait(); });
}

void PeerWatch::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.cancel();
}

void PeerWatch::AskAndWait() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
  std::vector<PeerHas> seen = neighbours_->Ask(image_id_, sha256_);
  const std::lock_guard lock(mutex_);
  seen_ = std::move(seen);
  answered_.notify_all();
  if (stopped_) return;
  timer_.expires_after(absl::ToChronoNanoseconds(limits::kPeerAskInterval));
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->AskAndWait();
  });
}

std::optional<std::vector<PeerHas>> PeerWatch::Seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::vector<PeerHas> PeerWatch::Await(Stopping& stop) {
  std::unique_lock lock(mutex_);
  while (!seen_ && !stop.begun())
    answered_.wait_for(lock, absl::ToChronoNanoseconds(limits::kLimiterSlice));
  return seen_.value_or(std::vector<PeerHas>());
}

void PeerWatch::Forget(const std::string& node_id) {
  const std::lock_guard lock(mutex_);
  if (!seen_) return;
  std::erase_if(*seen_, [&](const PeerHas& peer) { return peer.node_id == node_id; });
}

PeerSource::PeerSource(Parts parts, const v1::Image& image, const Chunked& chunked)
    : parts_(std::move(parts)),
      image_id_(image.id()),
      sha256_(image.sha256()),
      list_(chunked.list),
      watch_(std::make_shared<PeerWatch>(parts_.neighbours, parts_.asking, image_id_, sha256_)) {
  watch_->Start();
}

PeerSource::~PeerSource() {
  watch_->Stop();
}

std::optional<PeerChoice> PeerSource::Choose(const std::vector<PeerHas>& seen,
                                             const ChunkRun& run) const {
  return ChoosePeer(parts_.neighbours->own_node_id(), sha256_, seen, list_.chunks[run.first].offset,
                    list_.chunks[run.end() - 1].end());
}

std::size_t PeerSource::Offers(const ChunkRun& run) {
  const auto seen = watch_->Seen();
  // Nobody has answered yet: Fetch() waits for it.
  if (!seen) return parts_.neighbours->HasAny() ? run.count : 0;
  const auto choice = Choose(*seen, run);
  if (!choice) return 0;
  std::size_t count = 0;
  while (count < run.count && list_.chunks[run.first + count].end() <= choice->end)
    ++count;
  return count;
}

// The backend is asked for one stripe at a time, so that somebody who comes later is asked, too.
bool PeerSource::Expects(std::size_t chunk) {
  if (Offers({chunk, 1}) > 0) return true;
  if (chunk == 0 || !parts_.neighbours->HasAny()) return false;
  return list_.chunks[chunk].offset / limits::kPeerStripeBytes !=
         list_.chunks[chunk - 1].offset / limits::kPeerStripeBytes;
}

double PeerSource::LineMbit() const {
  const double measured = parts_.line.measured_mbit();
  const double line = measured > 0 ? measured : limits::kUnmeasuredLineMbit;
  return std::min(line, parts_.line.limit_mbit().value_or(line));
}

absl::Status PeerSource::Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) {
  const std::vector<PeerHas> seen = watch_->Await(stop);
  if (stop.begun()) return absl::CancelledError("stopped");
  const auto choice = Choose(seen, run);
  if (!choice) return absl::AbortedError("no peer has it");
  const auto has = std::find_if(seen.begin(), seen.end(), [&](const PeerHas& peer) {
    return peer.node_id == choice->node_id;
  });
  asked_ = choice->node_id;
  name_ = fmt::format("peer {}", asked_);
  lied_ = false;
  absl::Status taken;
  bool slow = false;
  std::uint64_t at = list_.chunks[run.first].offset;
  PeerPace pace(Clock::now());
  Neighbours::Taking taking{asked_,  image_id_,
                            sha256_, list_.size(),
                            at,      std::min(choice->end, list_.chunks[run.end() - 1].end()),
                            {},      &stop};
  taking.on_piece = [&](std::string_view piece) {
    taken = sink.Take(piece);
    at += piece.size();
    const bool had_them = has->cached || at <= has->prefix_bytes;
    slow = pace.IsSlow(piece.size(), had_them, LineMbit(), Clock::now());
    return taken.ok() && !lied_ && !slow;
  };
  const absl::Status status = parts_.neighbours->Take(taking);
  if (status.ok() || absl::IsCancelled(status)) return status;
  if (!taken.ok()) return taken;
  watch_->Forget(asked_);
  if (slow) parts_.neighbours->Slow(asked_, "gives less than the WAN does");
  return absl::AbortedError("another one is asked");
}

void PeerSource::Judge(std::size_t, bool right) {
  if (right || lied_) return;
  lied_ = true;
  parts_.neighbours->Lied(asked_, image_id_);
}

}  // namespace tentacle::cache
