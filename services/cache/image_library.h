// The images: what is known, what is here, what is being fetched, and who waits for it. Home thread
// only; disk and line are on the pull threads.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/net/http_types.h"
#include "libs/retry/backoff.h"
#include "libs/runtime/host.h"
#include "services/cache/core/image_state.h"
#include "services/cache/entry.h"
#include "services/cache/meta_desk.h"
#include "services/cache/metrics.h"
#include "services/cache/pull_turns.h"
#include "services/cache/puller.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Why an image that is here is not served.
inline constexpr std::string_view kToBeVerified = "to be verified once more";

class ImageLibrary {
 public:
  ImageLibrary(runtime::Host& host, Metrics& metrics, retry::BackoffPolicy retries = kRetries);

  // Never while a pull runs: what the pull threads post refers to it. In the service it lives as
  // long as the process.
  ~ImageLibrary() { Stop(); }

  ImageLibrary(const ImageLibrary&) = delete;
  ImageLibrary& operator=(const ImageLibrary&) = delete;

  // Reads the index, believes the disk where the two differ, goes on with pulls that were under
  // way.
  absl::Status Open();
  // The configuration may have switched the cache off: pulls are broken off, and wait for it. Or
  // on: they go on.
  void Configure();

  // What tokens are signed by.
  std::shared_ptr<BackendClock> backend_clock() const { return backend_clock_; }

  // Breaks off all pulls; does not wait for them.
  void Stop();
  // A prepull does not want it any more: its pull is broken off, unless somebody else wants it.
  // What is here stays.
  void Withdraw(const std::string& image_id);

  // Somebody says so. NotFound: it is not known, or not being pulled. FailedPrecondition: a client
  // reads it, or a task needs it.
  absl::StatusOr<std::shared_ptr<Entry>> CancelPull(const std::string& image_id);

  // Why nothing is served in this mode; empty: it is.
  std::string IdleReason() const;

  // What is known; asks the backend when nothing is. InvalidArgument: not an id.
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> Find(std::string image_id);
  // For a neighbour: a question of its begins no pull (it would ask us for what we would ask it
  // for) and makes none more urgent. NotFound: it is neither here nor on its way, chunk by chunk.
  absl::StatusOr<std::shared_ptr<Entry>> FindHere(const std::string& image_id);
  // Find, and begin to fetch it unless it is here or on its way. ResourceExhausted: no room.
  // Unavailable: it failed a moment ago and the rank is a client.
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> Demand(std::string image_id,
                                                                        PullClass rank);
  // NotFound; FailedPrecondition: in use, being fetched, pinned, or a task needs it. Returns the
  // bytes freed.
  absl::StatusOr<std::uint64_t> Evict(const std::string& image_id);
  // Find, and never evict it again until it is unpinned.
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> Pin(std::string image_id,
                                                                     bool pinned);
  // These are never evicted; the set as a whole, also of images that are not known yet.
  void ReplaceNeeded(std::set<std::string> image_ids);

  // The file of a cached image is not what was verified: it is checked chunk by chunk, and what is
  // wrong in it is fetched again. Nothing of it is served meanwhile that was not checked.
  void Doubt(std::shared_ptr<Entry> entry, const std::string& reason);
  // Each byte was compared just now.
  void Verified(Entry& entry);
  // What a cached image is to be compared with. Null: only its whole SHA-256. Blocking.
  std::shared_ptr<const chunks::ChunkList> StoredList(const v1::Image& image) const;

  std::string FinalPath(const Entry& entry) const { return Final(entry.image.id()); }

  // Before the first pull. Null: as fast as it comes.
  void LimitLine(LineLimiter* limiter) { limiter_ = limiter; }

  // Before the first pull: where else chunks may come from; called on the pull threads.
  void AddSources(
      std::function<ChunkSources(const v1::Image& image, const Chunked& chunked)> make_sources) {
    more_sources_ = std::move(make_sources);
  }

  // Before the first pull: called whenever an image is whole.
  void OnCached(std::function<void()> on_cached) { on_cached_ = std::move(on_cached); }

  // Before the first pull. Called on the pull threads with each piece that came.
  void CountFetched(std::function<void(ChunkOrigin from, std::uint64_t bytes)> count) {
    count_fetched_ = std::move(count);
  }

  // The bytes that are here by now, whichever name the file has. NotFound: none.
  absl::StatusOr<net::FileSpan> OpenBytes(const Entry& entry) const;

  const std::map<std::string, std::shared_ptr<Entry>>& entries() const { return entries_; }

  std::uint64_t UsedBytes() const;

  // For the cache to be switched on, or for its turn to be repaired.
  bool Waits(const Entry& entry) const;

 private:
  std::string Final(const std::string& image_id) const;
  std::string Part(const std::string& image_id) const;
  bool OpenEntry(std::shared_ptr<Entry> entry, const std::string& stored_class);
  Origin MakeOrigin() const;
  boost::asio::awaitable<absl::Status> RenewMeta(std::shared_ptr<Entry> entry);
  bool ForgetOldest();
  void DoubtIfTouched(const std::shared_ptr<Entry>& entry);
  void Touch(Entry& entry, PullClass rank);
  // True: it is here, or a pull brings it that counts as `rank` at least.
  bool Join(Entry& entry, PullClass rank);
  absl::Status MakeRoom(const Entry& wanted);
  std::string KeptFor(const Entry& entry) const;
  void Forget(const std::string& image_id);
  boost::asio::awaitable<absl::Status> GetList(std::shared_ptr<Entry> entry);
  void AdoptOrRemove(const std::string& file);
  // Of its part file; a repair takes no more room than what it repairs had.
  std::uint64_t PartBytes(const Entry& entry) const;
  std::uint64_t OrphanBytes() const;
  void RemoveOrphans();
  bool IsTheFile(const Entry& entry) const;
  void LoadNeeded();
  void LoadOrphansUntil();
  absl::Status StartPull(std::shared_ptr<Entry> entry, PullClass rank);
  boost::asio::awaitable<void> RunPull(std::shared_ptr<Entry> entry);
  boost::asio::awaitable<absl::Status> PullWhileWanted(std::shared_ptr<Entry> entry);
  boost::asio::awaitable<absl::Status> PullOnce(std::shared_ptr<Entry> entry, bool first);
  void Fetched(ChunkOrigin from, std::uint64_t bytes);  // On the pull threads.
  OriginLine LineOf(const Entry& entry);
  PullJob MakeJob(const std::shared_ptr<Entry>& entry, bool first);
  void BreakOff(Entry& entry);
  void PullAgain(std::shared_ptr<Entry> entry, PullClass rank);
  void Resume();
  void Ended(Entry& entry, const absl::Status& status);
  void Trouble(Entry& entry, const std::string& reason);
  void WrongChunk(Entry& entry, std::size_t chunk, const std::string& where);
  void TellCorrupt(const Entry& entry, std::optional<std::size_t> chunk);
  absl::StatusOr<chunks::ChunkList> LoadStoredList(const std::string& image_id) const;
  void Move(Entry& entry, ImageEvent event);
  // Synced: it is there after a power cut. What is not is found again on the disk or fetched again.
  void Store(const Entry& entry, bool sync = false);
  // What has become of it, or how far it is.
  enum class Word { kState, kInterim };
  void TellProgress(Entry& entry, Word word, bool now);
  void Count();

  runtime::Host& host_;
  const std::shared_ptr<BackendClock> backend_clock_ = std::make_shared<BackendClock>();
  Metrics& metrics_;
  std::string folder_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  // Until the cache is switched on; and repairs until it is their turn.
  std::vector<std::shared_ptr<Entry>> to_resume_;
  std::vector<std::shared_ptr<Entry>> resuming_;  // Of them, none is evicted for another.
  std::set<std::string> needed_;
  // Files of images that a damaged index knew: believed again, once checked, when they are asked
  // for.
  std::map<std::string, std::uint64_t> orphans_;
  absl::Time orphans_until_ = absl::InfinitePast();
  LineLimiter* limiter_ = nullptr;
  std::function<void()> on_cached_;
  std::function<void(ChunkOrigin, std::uint64_t)> count_fetched_;
  std::function<ChunkSources(const v1::Image& image, const Chunked& chunked)> more_sources_;
  MetaDesk metas_;
  const retry::BackoffPolicy retries_;
  Stopping stop_;
  PullTurns turns_;
  boost::asio::thread_pool pulls_;  // A thread for each turn.
};

}  // namespace tentacle::cache
