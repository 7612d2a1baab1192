#include "services/cache/local_source.h"

#include <cstring>
#include <unordered_map>
#include <utility>

#include "libs/net/http_types.h"

namespace tentacle::cache {

namespace {

struct DigestHash {
  std::size_t operator()(const chunks::Digest& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
  }
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
  std::unordered_map<chunks::Digest, std::size_t, DigestHash> first;
  first.reserve(list.chunks.size());
  for (std::size_t i = 0; i < list.chunks.size(); ++i) {
    const auto [at, is_new] = first.emplace(list.chunks[i].digest, i);
    if (!is_new) places_[i] = {kSelf, list.chunks[at->second].offset, at->second};
  }
  for (std::uint32_t image = 0; image < images_.size(); ++image) {
    const auto other = load(images_[image].id);
    if (!other.ok()) continue;  // Without a list nothing of it can be found.
    for (const chunks::Chunk& chunk : other->chunks) {
      const auto at = first.find(chunk.digest);
      if (at == first.end() || list.chunks[at->second].length != chunk.length) continue;
      Place& place = places_[at->second];
      if (place.image == kNowhere) place = {image, chunk.offset, 0};
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
