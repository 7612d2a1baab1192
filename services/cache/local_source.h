// Chunks that lie on this disk already: in other images, and elsewhere in the same one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "services/cache/chunk_source.h"
#include "services/cache/core/chunk_map.h"

namespace tentacle::cache {

struct LocalImage {
  std::string id;
  std::string path;
};

class LocalSource final : public ChunkSource {
 public:
  using LoadList = std::function<absl::StatusOr<chunks::ChunkList>(const std::string& image_id)>;
  using Told = std::function<void(const std::string& image_id)>;

  // Reads the lists of `images`, one after the other. `own_fd` is the file that is being made.
  // `rotten` hears of an image whose file does not hold what its list says.
  LocalSource(const chunks::ChunkList& list,
              const ChunkMap& map,
              int own_fd,
              std::vector<LocalImage> images,
              const LoadList& load,
              Told rotten);

  std::string_view name() const override { return "local"; }

  ChunkOrigin origin() const override { return ChunkOrigin::kLocal; }

  std::size_t Offers(const ChunkRun& run) override;
  bool Expects(std::size_t chunk) override;
  absl::Status Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) override;
  void Judge(std::size_t chunk, bool right) override;

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  static constexpr std::uint32_t kSelf = kNowhere - 1;

  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t image = kNowhere;
    std::uint32_t twin = 0;  // Of kSelf: the chunk that is the same.
  };

  bool Has(std::size_t chunk) const;
  absl::StatusOr<int> Open(std::uint32_t image);
  absl::Status FetchOne(std::size_t chunk, ChunkSink& sink);

  const chunks::ChunkList& list_;
  const ChunkMap& map_;
  const int own_fd_;
  const std::vector<LocalImage> images_;
  const Told rotten_;
  std::vector<Place> places_;
  std::vector<bool> dropped_;
  // Of the run that is being taken: an image that was evicted gives its room back with the last of
  // them.
  std::map<std::uint32_t, std::shared_ptr<int>> open_;
};

}  // namespace tentacle::cache
