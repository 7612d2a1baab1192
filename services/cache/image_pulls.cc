// The pulling half of the library: room, pull threads, trouble, the end.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/retry/backoff.h"
#include "services/cache/core/eviction.h"
#include "services/cache/file_facts.h"
#include "services/cache/image_library.h"
#include "services/cache/limits.h"
#include "services/cache/timestamp.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using event::v1::PRIORITY_RESULT;

std::string_view OutcomeOf(const absl::Status& status) {
  if (status.ok()) return "cached";
  if (absl::IsDataLoss(status)) return "wrong_hash";
  if (absl::IsResourceExhausted(status)) return "no_room";
  if (absl::IsNotFound(status)) return "not_found";
  return absl::IsCancelled(status) ? "stopped" : "failed";
}

// In its entry for as long as it lives, also when the coroutine is destroyed.
struct Pause {
  Pause(Entry& entry_in, const asio::any_io_executor& home, absl::Duration length)
      : entry(entry_in), timer(home, absl::ToChronoNanoseconds(length)) {
    entry.pause = &timer;
    entry.Tell();
  }

  ~Pause() { entry.pause = nullptr; }

  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

  Entry& entry;
  asio::steady_timer timer;
};

}  // namespace

absl::Status ImageLibrary::MakeRoom(const Entry& wanted) {
  const std::uint64_t here = std::min(wanted.image.present_bytes(), wanted.image.size_bytes());
  // It is to be completed, not evicted.
  std::vector<Resident> residents = {{"", here, absl::InfiniteFuture(), "part of it"}};
  std::uint64_t promised = 0;  // Of the disk, to pulls that are not complete.
  for (const auto& [id, entry] : entries_) {
    if (id == wanted.image.id()) continue;
    const std::uint64_t present = entry->image.present_bytes();
    const std::uint64_t bytes =
        entry->pull_runs ? std::max(present, entry->image.size_bytes()) : present;
    // While a pull looks through what is here less of it is known than lies on the disk.
    const std::uint64_t lies = entry->pull_runs ? std::max(present, DiskUse(Part(id))) : present;
    promised += bytes - std::min(bytes, lies);
    residents.push_back(
        {id, bytes, absl::FromUnixSeconds(entry->image.last_used_at().seconds()), KeptFor(*entry)});
  }
  const std::uint64_t on_disk = DiskFree(folder_);
  const std::uint64_t disk_free = on_disk - std::min(on_disk, promised);
  const auto& config = host_.config.current().cache();
  const std::uint64_t need = wanted.image.size_bytes() - here;
  const Room room{config.max_bytes(), disk_free, config.min_free_bytes()};
  // What nobody has asked for since the index was lost goes before any image does.
  residents.push_back({"", OrphanBytes(), absl::InfinitePast(), ""});
  const auto victims = PlanEviction(residents, room, need);
  if (!victims.ok()) return victims.status();
  for (const std::string& id : *victims) {
    if (id.empty()) {
      RemoveOrphans();
      continue;
    }
    const auto freed = Evict(id);
    if (!freed.ok()) return freed.status();
  }
  return absl::OkStatus();
}

absl::Status ImageLibrary::StartPull(std::shared_ptr<Entry> entry, PullClass rank) {
  if (std::erase(to_resume_, entry) > 0) {
    // What it waited for goes on as well.
    rank = std::max(rank, entry->pull_class->load());
    entry->wanted_until = std::max(entry->wanted_until, host_.clock.Now() + limits::kTaskWants);
  }
  // What is whole already needs no room to be checked.
  if (entry->image.present_bytes() < entry->image.size_bytes()) {
    if (absl::Status status = MakeRoom(*entry); !status.ok()) return status;
  }
  entry->pull_runs = true;
  entry->stop = std::make_shared<Stopping>();
  *entry->pull_class = rank;
  // Who wanted it before has got it, or given up.
  if (rank == PullClass::kPrepull) entry->wanted_until = absl::InfinitePast();
  entry->line = Line::kAsked;
  entry->image.clear_reason();
  Move(*entry, ImageEvent::kDemanded);
  host_.log.Info("cache.pull_started", {{"image", entry->image.id()},
                                        {"bytes", entry->image.size_bytes()},
                                        {"present", entry->image.present_bytes()}});
  auto run = RunPull(std::move(entry));
  asio::co_spawn(host_.home, std::move(run), asio::detached);
  return absl::OkStatus();
}

void ImageLibrary::Fetched(ChunkOrigin from, std::uint64_t bytes) {
  metrics_.Fetched(from, bytes);
  if (count_fetched_) count_fetched_(from, bytes);
}

OriginLine ImageLibrary::LineOf(const Entry& entry) {
  return {limiter_, entry.pull_class,
          [this](std::uint64_t bytes) { Fetched(ChunkOrigin::kBackend, bytes); }};
}

PullJob ImageLibrary::MakeJob(const std::shared_ptr<Entry>& entry, bool first) {
  PullJob job;
  job.origin = MakeOrigin();
  job.image = entry->image;
  job.part_path = Part(entry->image.id());
  job.final_path = Final(entry->image.id());
  job.retries = retries_;
  job.min_free_bytes = host_.config.current().cache().min_free_bytes();
  job.chunked = entry->chunked;
  job.line = LineOf(*entry);
  job.more_sources = more_sources_;
  for (const auto& [id, other] : entries_) {
    if (other->image.state() == v1::IMAGE_STATE_CACHED) job.local_images.push_back({id, Final(id)});
  }
  job.load_list = [this](const std::string& image_id) { return LoadStoredList(image_id); };
  job.stop = entry->stop.get();  // `entry` is kept by what is called below.
  // Each of these hops to the home thread.
  // What is looked through is no sign of life from the line.
  job.on_found = [this, entry](std::uint64_t present) {
    asio::post(host_.home, [this, entry, present] {
      entry->image.set_present_bytes(present);
      entry->Tell();
      TellProgress(*entry, Word::kInterim, false);
    });
  };
  job.on_progress = [this, entry](std::uint64_t present) {
    asio::post(host_.home, [this, entry, present] {
      entry->Arrived(present);
      TellProgress(*entry, Word::kInterim, false);
    });
  };
  job.on_trouble = [this, entry](const std::string& reason) {
    asio::post(host_.home, [this, entry, reason] { Trouble(*entry, reason); });
  };
  job.on_verifying = [this, entry] {
    asio::post(host_.home, [this, entry] {
      entry->Arrived(entry->image.size_bytes());
      Move(*entry, ImageEvent::kBytesComplete);
    });
  };
  job.on_right = [this, entry] {
    asio::post(host_.home, [entry] {
      entry->hash_right = true;
      entry->Tell();
    });
  };
  job.on_restart = [this, entry] {
    asio::post(host_.home, [this, entry] {
      ++entry->generation;
      if (entry->doubted) TellCorrupt(*entry, std::nullopt);
      entry->doubted = false;
      entry->in_order = entry->chunked == nullptr;
      entry->image.set_present_bytes(0);
      Store(*entry);
      entry->Tell();
    });
  };
  job.on_fetched = [this](ChunkOrigin from, std::uint64_t bytes) { Fetched(from, bytes); };
  // A repair finds what is wrong, once; after a kill the chunk that was being written is, and that
  // is no news.
  job.was_whole = entry->doubted && first;
  job.on_wrong_chunk = [this, entry](std::size_t chunk, std::string_view where) {
    asio::post(host_.home, [this, entry, chunk, from = std::string(where)] {
      WrongChunk(*entry, chunk, from);
    });
  };
  job.on_rotten = [this](const std::string& image_id) {
    asio::post(host_.home, [this, image_id] {
      const auto at = entries_.find(image_id);
      if (at != entries_.end()) Doubt(at->second, "a chunk of it is not what its list says");
    });
  };
  return job;
}

void ImageLibrary::Trouble(Entry& entry, const std::string& reason) {
  metrics_.PullTrouble();
  host_.log.Warning("cache.pull_retries", {{"image", entry.image.id()}, {"reason", reason}});
  if (entry.image.state() == v1::IMAGE_STATE_VERIFYING) Move(entry, ImageEvent::kHashWrong);
  entry.image.set_reason(reason);
  entry.line = Line::kFails;
  entry.Tell();
  TellProgress(entry, Word::kInterim, true);
}

asio::awaitable<void> ImageLibrary::RunPull(std::shared_ptr<Entry> entry) {
  const absl::Status ended = co_await PullWhileWanted(entry);
  if (!absl::IsCancelled(ended)) entry->again.reset();
  Ended(*entry, ended);
  const auto again = std::exchange(entry->again, std::nullopt);
  if (stop_.begun()) co_return;
  if (again) PullAgain(entry, *again);
  if (IdleReason().empty()) Resume();
}

void ImageLibrary::PullAgain(std::shared_ptr<Entry> entry, PullClass rank) {
  if (IdleReason().empty()) {
    if (absl::Status status = StartPull(entry, rank); !status.ok()) Ended(*entry, status);
    return;
  }
  *entry->pull_class = rank;
  if (rank != PullClass::kPrepull) to_resume_.push_back(entry);  // That comes again by itself.
  Store(*entry);
}

// One series of tries after the other for as long as somebody wants the image. Between two series
// the place is others'.
asio::awaitable<absl::Status> ImageLibrary::PullWhileWanted(std::shared_ptr<Entry> entry) {
  retry::Backoff backoff(retries_);
  for (bool first = true;; first = false) {
    const std::uint64_t before = entry->image.present_bytes();
    const absl::Status status = co_await PullOnce(entry, first);
    if (!absl::IsUnavailable(status)) co_return status;
    // A try that failed while everything ends is no verdict on the image: it goes on at the next
    // start.
    if (entry->stop->begun()) co_return absl::CancelledError("stopped");
    const bool wanted = entry->IsClaimed() || host_.clock.Now() < entry->wanted_until;
    if (!wanted) co_return status;
    if (entry->chunked == nullptr) entry->image.set_present_bytes(PartBytes(*entry));
    if (entry->image.present_bytes() > before) backoff.Reset();
    const absl::Duration delay = backoff.Next(Jitter());
    host_.log.Warning("cache.pull_waits", {{"image", entry->image.id()},
                                           {"reason", entry->image.reason()},
                                           {"delay_ms", absl::ToInt64Milliseconds(delay)}});
    {
      Pause pause(*entry, host_.home, delay);
      if (IdleReason().empty()) Resume();  // Its place is free.
      co_await pause.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (entry->stop->begun()) co_return absl::CancelledError("stopped");
  }
}

// One series of tries.
asio::awaitable<absl::Status> ImageLibrary::PullOnce(std::shared_ptr<Entry> entry, bool first) {
  const auto turn = co_await turns_.Take(entry->pull_class, entry->stop);
  if (turn == nullptr) co_return absl::CancelledError("stopped");
  const bool was_in_order = entry->in_order;
  absl::Status status = co_await GetList(entry);
  if (status.ok()) {
    // Of a file that is doubted nothing is known before its hash is.
    entry->in_order = entry->chunked == nullptr && !entry->doubted;
    if (was_in_order && !entry->in_order) {
      // Nobody has checked what was read until now, and what is wrong of it is replaced.
      ++entry->generation;
      entry->Tell();
    }
    auto pull = [job = MakeJob(entry, first)] { return cache::Pull(job); };
    status = co_await async::OnPool(pulls_, pull);
  } else if (absl::IsUnavailable(status)) {
    Trouble(*entry, std::string(status.message()));
  }
  // What the pull thread has posted comes first.
  co_await asio::post(asio::use_awaitable);
  co_return status;
}

void ImageLibrary::Stop() {
  stop_.Begin();
  for (const auto& [id, entry] : entries_) {
    if (entry->stop != nullptr) BreakOff(*entry);
  }
}

void ImageLibrary::BreakOff(Entry& entry) {
  entry.BreakOff();
  turns_.Tell();
}

void ImageLibrary::Withdraw(const std::string& image_id) {
  const auto at = entries_.find(image_id);
  if (at == entries_.end() || !at->second->pull_runs) return;
  const std::shared_ptr<Entry>& entry = at->second;
  if (entry->again == PullClass::kPrepull) entry->again.reset();
  if (entry->IsClaimed() || *entry->pull_class != PullClass::kPrepull) return;
  host_.log.Info("cache.pull_withdrawn", {{"image", image_id}});
  BreakOff(*entry);
}

absl::StatusOr<std::shared_ptr<Entry>> ImageLibrary::CancelPull(const std::string& image_id) {
  const auto at = entries_.find(image_id);
  const bool is_known = at != entries_.end();
  if (!is_known || !(at->second->pull_runs || Waits(*at->second)))
    return absl::NotFoundError(fmt::format("image {} is not being pulled", image_id));
  const std::shared_ptr<Entry> entry = at->second;
  const std::string why = entry->IsClaimed() ? "a client reads it" : "a task needs it";
  if (entry->IsClaimed() || entry->image.needed())
    return absl::FailedPreconditionError(
        fmt::format("the pull of image {} goes on: {}", image_id, why));
  host_.log.Info("cache.pull_cancelled", {{"image", image_id}});
  entry->wanted_until = absl::InfinitePast();
  entry->again.reset();
  std::erase(to_resume_, entry);
  Store(*entry);
  if (entry->pull_runs) BreakOff(*entry);
  return entry;
}

void ImageLibrary::Ended(Entry& entry, const absl::Status& status) {
  const bool had_begun = entry.pull_runs;
  const bool was_whole = entry.doubted;
  entry.pull_runs = false;
  entry.hash_right = false;
  entry.wrong_told = 0;
  entry.chunked.reset();
  // What was read until now nobody has checked, and the next pull may replace what is wrong of it.
  if (entry.in_order && !status.ok()) {
    ++entry.generation;
    entry.Tell();
  }
  entry.in_order = false;
  entry.failure = status.code();
  metrics_.PullEnded(OutcomeOf(status));
  v1::Image& image = entry.image;
  if (status.ok()) {
    entry.doubted = false;
    image.clear_reason();
    image.set_present_bytes(image.size_bytes());
    entry.file_id = PublishedFileId(Final(image.id()));
    SetTime(image.mutable_verified_at(), host_.clock.Now());
    image.mutable_cached_at()->set_seconds(absl::ToUnixSeconds(host_.clock.Now()));
    Move(entry, ImageEvent::kHashRight);
    host_.log.Info("cache.image_cached", {{"image", image.id()}, {"bytes", image.size_bytes()}});
    const json::object body{
        {"imageId", image.id()}, {"size", image.size_bytes()}, {"sha256", image.sha256()}};
    host_.events.Publish(events::MakeEvent("image.cached", image.id(), PRIORITY_RESULT,
                                           json::serialize(body), host_.clock.Now()));
    if (on_cached_) on_cached_();
    return;
  }
  if (absl::IsCancelled(status)) {
    // It may have been looking through what is here, and had not seen all of it.
    image.set_present_bytes(PartBytes(entry));
    if (!stop_.begun()) Move(entry, ImageEvent::kWithdrawn);
    entry.Tell();  // Who waits for its bytes waits in vain.
    return;
  }
  image.set_reason(std::string(status.message()));
  entry.failed_at = host_.clock.Now();
  // A refusal before the first byte takes nothing away, and a repair takes no more room than what
  // it repairs had.
  const bool no_space = absl::IsResourceExhausted(status) && had_begun && !was_whole;
  if (absl::IsFailedPrecondition(status) || absl::IsNotFound(status) || absl::IsDataLoss(status) ||
      no_space) {
    // The backend has something else under this id now, and what is here can never be completed; or
    // the disk is full, and others need the room.
    ::unlink(Part(image.id()).c_str());
    Forget(image.id());
    entry.doubted = false;
    ++entry.generation;
  }
  image.set_present_bytes(PartBytes(entry));
  // Refused before it began.
  if (image.state() == v1::IMAGE_STATE_ABSENT) Move(entry, ImageEvent::kDemanded);
  Move(entry, ImageEvent::kGaveUp);
  host_.log.Error("cache.pull_failed", {{"image", image.id()}, {"reason", image.reason()}});
}

}  // namespace tentacle::cache
