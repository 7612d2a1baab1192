#include "services/cache/local_source.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "libs/net/http_types.h"

namespace tentacle::cache {

namespace {

// The chunks of a list by their digests, in four bytes each.
class ByDigest {
 public:
  explicit ByDigest(const chunks::ChunkList& list) : list_(list), order_(list.chunks.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const chunks::Digest& left = list.chunks[a].digest;
      const chunks::Digest& right = list.chunks[b].digest;
      return left != right ? left < right : a < b;
    });
  }

  // The first chunk with that digest; the number of chunks when there is none.
  std::uint32_t First(const chunks::Digest& digest) const {
    const auto at = std::lower_bound(order_.begin(), order_.end(), digest,
                                     [this](std::uint32_t chunk, const chunks::Digest& wanted) {
                                       return list_.chunks[chunk].digest < wanted;
                                     });
    const bool found = at != order_.end() && list_.chunks[*at].digest == digest;
    return found ? *at : static_cast<std::uint32_t>(order_.size());
  }

 private:
  const chunks::ChunkList& list_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

LocalSource::LocalSource(const chunks::ChunkList& list,
                         const ChunkMap& map,
                         int own_fd,
                         std::vector<LocalImage> images,
                         const LoadList& load,
                         Told rotten)
    : list_(list),
      map_(map),
      own_fd_(own_fd),
      images_(std::move(images)),
      rotten_(std::move(rotten)),
      places_(list.chunks.size()),
      dropped_(images_.size()) {
  const ByDigest by_digest(list);
  for (std::uint32_t i = 0; i < list.chunks.size(); ++i) {
    const std::uint32_t first = by_digest.First(list.chunks[i].digest);
    if (first != i) places_[i] = {list.chunks[first].offset, kSelf, first};
  }
  for (std::uint32_t image = 0; image < images_.size(); ++image) {
    const auto other = load(images_[image].id);
    if (!other.ok()) continue;  // Without a list nothing of it can be found.
    for (const chunks::Chunk& chunk : other->chunks) {
      const std::uint32_t first = by_digest.First(chunk.digest);
      if (first == list.chunks.size() || list.chunks[first].length != chunk.length) continue;
      Place& place = places_[first];
      if (place.image == kNowhere) place = {chunk.offset, image, 0};
    }
  }
}

bool LocalSource::Has(std::size_t chunk) const {
  const Place& place = places_[chunk];
  if (place.image == kNowhere) return false;
  if (place.image == kSelf) return map_.Has(place.twin);
  return !dropped_[place.image];
}

std::size_t LocalSource::Offers(const ChunkRun& run) {
  std::size_t count = 0;
  while (count < run.count && Has(run.first + count))
    ++count;
  return count;
}

// A twin stands before it.
bool LocalSource::Expects(std::size_t chunk) {
  return places_[chunk].image == kSelf || Has(chunk);
}

absl::StatusOr<int> LocalSource::Open(std::uint32_t image) {
  if (image == kSelf) return own_fd_;
  std::shared_ptr<int>& fd = open_[image];
  if (fd == nullptr) {
    auto file = net::OpenFileSpan(images_[image].path);
    if (!file.ok()) {
      dropped_[image] = true;  // Evicted meanwhile.
      return absl::UnavailableError(std::string(file.status().message()));
    }
    fd = file->fd;
  }
  return *fd;
}

absl::Status LocalSource::Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) {
  absl::Status status;
  for (std::size_t i = run.first; i < run.end() && status.ok(); ++i)
    status = stop.begun() ? absl::CancelledError("stopped") : FetchOne(i, sink);
  open_.clear();
  return status;
}

absl::Status LocalSource::FetchOne(std::size_t chunk, ChunkSink& sink) {
  // It may have been dropped since it was offered.
  if (!Has(chunk)) return absl::UnavailableError("the other image is not there any more");
  const Place& place = places_[chunk];
  const auto fd = Open(place.image);
  if (!fd.ok()) return fd.status();
  absl::Status taken = sink.TakeFrom(*fd, place.offset, list_.chunks[chunk].length);
  if (!absl::IsDataLoss(taken)) return taken;
  Judge(chunk, false);  // Its file is shorter than its list.
  return absl::UnavailableError(std::string(taken.message()));
}

void LocalSource::Judge(std::size_t chunk, bool right) {
  Place& place = places_[chunk];
  if (right || place.image == kNowhere) return;
  if (place.image != kSelf && !dropped_[place.image]) {
    dropped_[place.image] = true;
    rotten_(images_[place.image].id);
  }
  place.image = kNowhere;
}

}  // namespace tentacle::cache
