// Where the chunks of a pull come from: the backend, another image on this disk, a tentacle next
// door. Whoever gives them is not believed: the pull checks each chunk before it counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "libs/chunks/chunk_list.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Consecutive chunks of one image.
struct ChunkRun {
  std::size_t first = 0;
  std::size_t count = 0;

  std::size_t end() const { return first + count; }
};

// Takes the bytes of a run, in their order.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  // The next bytes. Not OK: the source breaks off and returns that status.
  virtual absl::Status Take(std::string_view bytes) = 0;
  // The next bytes are those of another file (copy_file_range(2)). Only whole chunks.
  virtual absl::Status TakeFrom(int fd, std::uint64_t offset, std::uint64_t length) = 0;
};

// For the ledger: where a byte was before it came here.
enum class ChunkOrigin { kBackend, kPeer, kLocal };

// Lives as long as one pull. All calls on its pull thread, which may block in Fetch() only.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;

  // "backend", "peer 192.0.2.7", "local": for the log.
  virtual std::string_view name() const = 0;
  virtual ChunkOrigin origin() const = 0;

  // How many chunks it can give now from run.first on, at most run.count; 0: not that one. A source
  // that is asked first and says 0 costs nothing: the next is asked.
  virtual std::size_t Offers(const ChunkRun& run) = 0;

  // Whether it will offer that chunk once all before it are here: then nobody else needs to fetch
  // it.
  virtual bool Expects(std::size_t chunk) { return Offers({chunk, 1}) > 0; }

  // Hands over the bytes of the run's chunks. OK: all of them. Otherwise what was handed over until
  // then stands. Cancelled: `stop`. NotFound, FailedPrecondition: ends the pull, when the source is
  // the backend.
  virtual absl::Status Fetch(const ChunkRun& run, ChunkSink& sink, Stopping& stop) = 0;

  // What became of a chunk that it gave. A source that lied once should offer nothing more.
  virtual void Judge(std::size_t chunk, bool right) = 0;
};

using ChunkSources = std::vector<std::unique_ptr<ChunkSource>>;

}  // namespace tentacle::cache
