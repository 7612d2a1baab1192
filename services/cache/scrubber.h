// Reads cached images again and compares them with their hashes: on request at once, and all of
// them one after the other every limits::kVerifyInterval.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/runtime/host.h"
#include "services/cache/image_library.h"
#include "services/cache/metrics.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Home thread only; reads and hashes on a thread of its own.
class Scrubber {
 public:
  Scrubber(runtime::Host& host, ImageLibrary& library, Metrics& metrics);

  // Until cancelled.
  boost::asio::awaitable<void> Run();

  // Never while a check runs: it is broken off.
  void Stop() { stop_.Begin(); }

  // NotFound; FailedPrecondition: it is not cached. Joins the check that runs.
  absl::StatusOr<std::shared_ptr<Entry>> Request(const std::string& image_id);

 private:
  // The one to be checked next; null: none is due.
  std::shared_ptr<Entry> Next(bool* asked) const;
  boost::asio::awaitable<void> Check(std::shared_ptr<Entry> entry, bool asked);

  runtime::Host& host_;
  ImageLibrary& library_;
  Metrics& metrics_;
  std::set<std::string> requested_;
  boost::asio::steady_timer timer_;
  Stopping stop_;
  boost::asio::thread_pool thread_{1};
};

// OK: each byte is right. DataLoss says what is not. Without a list only the whole is compared.
// `bytes_per_second` 0: as fast as the disk. `on_read` hears how far it is.
absl::Status CheckFile(const std::string& path,
                       const v1::Image& image,
                       const chunks::ChunkList* list,
                       std::uint64_t bytes_per_second,
                       std::function<void(std::uint64_t bytes)> on_read,
                       Stopping& stop);

}  // namespace tentacle::cache
