// Chunks from the backend over one kept connection: packed on the way where the backend can and the
// image is not packed itself, otherwise by Range requests.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "services/cache/chunk_source.h"
#include "services/cache/line_limiter.h"
#include "services/cache/origin.h"

namespace tentacle::cache {

class OriginSource final : public ChunkSource {
 public:
  // All references must outlive it. Image and list are of one pull.
  OriginSource(const Origin& origin,
               const v1::Image& image,
               const chunks::ChunkList& list,
               OriginLine line)
      : origin_(origin),
        image_(image),
        list_(list),
        line_(std::move(line)),
        packs_(image.format() == "raw") {}

  std::string_view name() const override { return "backend"; }

  ChunkOrigin origin() const override { return ChunkOrigin::kBackend; }

  std::size_t Offers(const ChunkRun& run) override { return run.count; }

  absl::Status Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) override;

  void Judge(std::size_t, bool) override {}

 private:
  class Exchange;

  const Origin& origin_;
  const v1::Image& image_;
  const chunks::ChunkList& list_;
  const OriginLine line_;
  bool packs_;  // Until the backend says that it cannot.
  net::KeptConnection connection_;
};

}  // namespace tentacle::cache
