// The images: what is known, what is here, what is being fetched, and who waits for it. Home thread only; disk and
// line are on the pull threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <tentacle/cache/v1/cache_service.pb.h>

#include "libs/runtime/host.h"
#include "services/cache/core/image_state.h"
#include "services/cache/metrics.h"
#include "services/cache/puller.h"

namespace tentacle::cache {

// One image. Shared with the clients that read it while it arrives.
struct Entry {
  explicit Entry(boost::asio::any_io_executor home) : changed(std::move(home)) {
    changed.expires_at(boost::asio::steady_timer::time_point::max());
  }
  v1::Image image;
  bool pull_runs = false;
  int readers = 0;
  // Grows when bytes that were here are thrown away: who began to read them must stop.
  std::uint64_t generation = 0;
  absl::Time told = absl::InfinitePast();
  boost::asio::steady_timer changed;  // Cancelled at each change.
};

class ImageLibrary {
 public:
  ImageLibrary(runtime::Host& host, Metrics& metrics);
  ~ImageLibrary();
  ImageLibrary(const ImageLibrary&) = delete;
  ImageLibrary& operator=(const ImageLibrary&) = delete;

  // Reads the index, believes the disk where the two differ, goes on with pulls that were under way.
  absl::Status Open();
  // Why nothing is served in this mode; empty: it is.
  std::string IdleReason() const;

  // What is known; asks the backend when nothing is. InvalidArgument: not an id.
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> Find(std::string image_id);
  // Find, and begin to fetch it unless it is here or on its way. ResourceExhausted: no room.
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> Demand(std::string image_id);
  // NotFound; FailedPrecondition: in use or being fetched. Returns the bytes freed.
  absl::StatusOr<std::uint64_t> Evict(const std::string& image_id);

  // How many bytes clients may have by now.
  static std::uint64_t Servable(const Entry& entry);
  // Returns at the next change of the entry.
  static boost::asio::awaitable<void> Changed(std::shared_ptr<Entry> entry);
  std::string PathOf(const Entry& entry) const;  // Where its bytes are now.
  void Touch(Entry& entry);
  const std::map<std::string, std::shared_ptr<Entry>>& entries() const { return entries_; }
  std::uint64_t UsedBytes() const;

 private:
  std::string Final(const std::string& image_id) const;
  std::string Part(const std::string& image_id) const;
  absl::Status MakeRoom(const Entry& wanted);
  absl::Status StartPull(std::shared_ptr<Entry> entry);
  boost::asio::awaitable<void> RunPull(std::shared_ptr<Entry> entry);
  PullJob MakeJob(const std::shared_ptr<Entry>& entry);
  void Ended(Entry& entry, const absl::Status& status);
  void Move(Entry& entry, ImageEvent event);
  void Store(const Entry& entry);
  void TellProgress(Entry& entry, bool now);
  void Count();

  runtime::Host& host_;
  Metrics& metrics_;
  std::string folder_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::atomic<bool> stop_ = false;
  boost::asio::thread_pool pulls_;
};

}  // namespace tentacle::cache
