// The backend's image routes: who is asked, with what right, for metadata and chunk lists.
// Blocking; for the pull threads.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>
#include <tentacle/config/v1/config.pb.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "libs/chunks/chunk_list.h"
#include "libs/net/http_client.h"
#include "services/cache/backend_clock.h"
#include "services/cache/line_limiter.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Read anew for each pull: an enrollment may come after the start.
struct Origin {
  config::v1::BackendConfig backend;
  std::string node_id;
  std::string key_file;
  std::shared_ptr<BackendClock> clock;
};

// How the bytes of an answer come over the WAN.
struct OriginLine {
  LineLimiter* limiter = nullptr;  // Null: as fast as they come.
  std::shared_ptr<const std::atomic<PullClass>> pull_class;
  std::function<void(std::uint64_t bytes)> on_wire;  // They have come; for the ledger.

  // For each piece of an answer, in steps of limits::kLimiterBytes.
  void Pass(std::size_t bytes, Stopping& stop) const;
};

// A request for /images/{id}/{what} with the node's token. FailedPrecondition: not enrolled.
absl::StatusOr<net::ClientRequest> MakeRequest(const Origin& origin,
                                               const std::string& image_id,
                                               const std::string& what);

// As net::Fetch(). A refusal that tells another time than ours is asked about once more with a
// token of that time; who reads a stream asks again by himself.
absl::StatusOr<net::ClientReply> FetchAsNode(const Origin& origin, net::ClientRequest request);

// The first header of that name (any case), or "".
std::string_view HeaderOf(const net::HeaderList& headers, std::string_view name);

// NotFound: the backend has no such image. Unavailable, Unauthenticated, FailedPrecondition (not
// enrolled, or no usable metadata).
absl::StatusOr<v1::Image> FetchMeta(const Origin& origin, const std::string& image_id);

struct FetchedList {
  std::string encoded;
  chunks::ChunkList list;
};

// NotFound: the backend gives none of this image, or none that can be used; the image is pulled
// without. Unavailable: ask again.
absl::StatusOr<FetchedList> FetchChunkList(const Origin& origin,
                                           const v1::Image& image,
                                           const OriginLine& line,
                                           Stopping& stop);

// DataLoss: damaged, or another image's.
absl::StatusOr<chunks::ChunkList> ReadChunkList(std::string_view encoded, const v1::Image& image);

}  // namespace tentacle::cache
