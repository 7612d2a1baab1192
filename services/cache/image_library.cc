#include "services/cache/image_library.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/cache/core/eviction.h"
#include "services/cache/core/image_name.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using event::v1::PRIORITY_METRIC;
using event::v1::PRIORITY_RESULT;

constexpr std::string_view kKeyPrefix = "image/";

bool IsPulling(ImageState state) { return state == v1::IMAGE_STATE_PULLING || state == v1::IMAGE_STATE_VERIFYING; }

std::uint64_t SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::uint64_t DiskFree(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::string_view OutcomeOf(const absl::Status& status) {
  if (status.ok()) return "cached";
  if (absl::IsDataLoss(status)) return "wrong_hash";
  if (absl::IsResourceExhausted(status)) return "no_room";
  if (absl::IsNotFound(status)) return "not_found";
  return absl::IsCancelled(status) ? "stopped" : "failed";
}

}  // namespace

ImageLibrary::ImageLibrary(runtime::Host& host, Metrics& metrics)
    : host_(host),
      metrics_(metrics),
      folder_(host.paths.state_dir + "/cache/images"),
      pulls_(limits::kPullThreads) {}

ImageLibrary::~ImageLibrary() {
  stop_ = true;
  pulls_.join();
}

std::string ImageLibrary::Final(const std::string& image_id) const { return folder_ + "/" + FileNameOf(image_id); }

std::string ImageLibrary::Part(const std::string& image_id) const { return Final(image_id) + ".part"; }

std::string ImageLibrary::PathOf(const Entry& entry) const {
  return entry.image.state() == v1::IMAGE_STATE_CACHED ? Final(entry.image.id()) : Part(entry.image.id());
}

absl::Status ImageLibrary::Open() {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", folder_, error.message()));
  std::set<std::string> known;
  std::vector<std::shared_ptr<Entry>> to_resume;
  auto visit = [&](std::string_view, std::string_view value) {
    auto entry = std::make_shared<Entry>(host_.home);
    if (!entry->image.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
    v1::Image& image = entry->image;
    const bool whole = image.state() == v1::IMAGE_STATE_CACHED && SizeOf(Final(image.id())) == image.size_bytes();
    if (!whole) {
      if (IsPulling(image.state())) to_resume.push_back(entry);
      image.set_state(v1::IMAGE_STATE_ABSENT);
      image.set_present_bytes(SizeOf(Part(image.id())));
    }
    known.insert(FileNameOf(image.id()) + (whole ? "" : ".part"));
    entries_[image.id()] = entry;
    return true;
  };
  if (absl::Status status = host_.store.Scan(kKeyPrefix, "image0", visit); !status.ok()) return status;
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    if (known.contains(file.path().filename().string())) continue;
    host_.log.Warning("cache.stray_file_removed", {{"file", file.path().filename().string()}});
    fs::remove(file.path(), error);
  }
  for (const auto& entry : to_resume) {
    if (absl::Status status = StartPull(entry); !status.ok()) Ended(*entry, status);
  }
  Count();
  return absl::OkStatus();
}

std::string ImageLibrary::IdleReason() const {
  const auto& config = host_.config.current();
  if (!config.cache().enabled()) return "switched off: cache.enabled is false";
  if (config.uplink().mode() != "full") return fmt::format("not used in mode {}", config.uplink().mode());
  return "";
}

asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> ImageLibrary::Find(std::string image_id) {
  if (!IsAcceptableId(image_id)) co_return absl::InvalidArgumentError("this is no image id");
  if (const auto at = entries_.find(image_id); at != entries_.end()) co_return at->second;
  const auto& config = host_.config.current();
  const Origin origin{config.backend(), config.node().id(), host_.paths.KeyFile()};
  auto fetch = [origin, image_id] { return FetchMeta(origin, image_id); };
  auto meta = co_await async::OnPool(host_.blocking, fetch);
  if (!meta.ok()) co_return meta.status();
  // Somebody else may have asked meanwhile.
  if (const auto at = entries_.find(image_id); at != entries_.end()) co_return at->second;
  if (entries_.size() >= limits::kMaxImages) co_return absl::ResourceExhaustedError("too many images are known");
  auto entry = std::make_shared<Entry>(host_.home);
  entry->image = *std::move(meta);
  entries_[image_id] = entry;
  Store(*entry);
  Count();
  co_return entry;
}

asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> ImageLibrary::Demand(std::string image_id) {
  if (std::string idle = IdleReason(); !idle.empty()) co_return absl::FailedPreconditionError(idle);
  auto entry = co_await Find(std::move(image_id));
  if (!entry.ok()) co_return entry;
  Touch(**entry);
  if ((*entry)->pull_runs || (*entry)->image.state() == v1::IMAGE_STATE_CACHED) co_return entry;
  absl::Status status = StartPull(*entry);
  if (!status.ok()) {
    Ended(**entry, status);
    co_return status;
  }
  co_return entry;
}

absl::Status ImageLibrary::MakeRoom(const Entry& wanted) {
  std::vector<Resident> residents;
  for (const auto& [id, entry] : entries_) {
    if (id == wanted.image.id()) continue;
    residents.push_back({id,
                         entry->image.present_bytes(),
                         absl::FromUnixSeconds(entry->image.last_used_at().seconds()),
                         !entry->pull_runs && entry->readers == 0});
  }
  const auto& config = host_.config.current().cache();
  const std::uint64_t need = wanted.image.size_bytes() - std::min(wanted.image.present_bytes(), wanted.image.size_bytes());
  const auto victims = PlanEviction(residents, {config.max_bytes(), DiskFree(folder_), config.min_free_bytes()}, need);
  if (!victims.ok()) return victims.status();
  for (const std::string& id : *victims) {
    const auto freed = Evict(id);
    if (!freed.ok()) return freed.status();
  }
  return absl::OkStatus();
}

absl::Status ImageLibrary::StartPull(std::shared_ptr<Entry> entry) {
  if (absl::Status status = MakeRoom(*entry); !status.ok()) return status;
  entry->pull_runs = true;
  entry->image.clear_reason();
  Move(*entry, ImageEvent::kDemanded);
  host_.log.Info("cache.pull_started",
                 {{"image", entry->image.id()}, {"bytes", entry->image.size_bytes()}, {"present", entry->image.present_bytes()}});
  auto run = RunPull(std::move(entry));
  asio::co_spawn(host_.home, std::move(run), asio::detached);
  return absl::OkStatus();
}

PullJob ImageLibrary::MakeJob(const std::shared_ptr<Entry>& entry) {
  const auto& config = host_.config.current();
  PullJob job;
  job.origin = {config.backend(), config.node().id(), host_.paths.KeyFile()};
  job.image = entry->image;
  job.part_path = Part(entry->image.id());
  job.final_path = Final(entry->image.id());
  job.stop = &stop_;
  // Each of these hops to the home thread.
  job.on_progress = [this, entry](std::uint64_t present) {
    asio::post(host_.home, [this, entry, present] {
      entry->image.set_present_bytes(present);
      entry->changed.cancel();
      TellProgress(*entry, false);
    });
  };
  job.on_trouble = [this, entry](const std::string& reason) {
    asio::post(host_.home, [this, entry, reason] {
      metrics_.PullTrouble();
      host_.log.Warning("cache.pull_retries", {{"image", entry->image.id()}, {"reason", reason}});
      if (entry->image.state() == v1::IMAGE_STATE_VERIFYING) Move(*entry, ImageEvent::kHashWrong);
      entry->image.set_reason(reason);
      TellProgress(*entry, true);
    });
  };
  job.on_verifying = [this, entry] {
    asio::post(host_.home, [this, entry] { Move(*entry, ImageEvent::kBytesComplete); });
  };
  job.on_restart = [this, entry] {
    asio::post(host_.home, [entry] {
      ++entry->generation;
      entry->image.set_present_bytes(0);
      entry->changed.cancel();
    });
  };
  job.on_fetched = [this](std::uint64_t bytes) {
    asio::post(host_.home, [this, bytes] { metrics_.Fetched(bytes); });
  };
  return job;
}

asio::awaitable<void> ImageLibrary::RunPull(std::shared_ptr<Entry> entry) {
  auto pull = [job = MakeJob(entry)] { return cache::Pull(job); };
  const absl::Status status = co_await async::OnPool(pulls_, pull);
  // What the pull thread has posted comes first.
  co_await asio::post(asio::use_awaitable);
  Ended(*entry, status);
}

void ImageLibrary::Ended(Entry& entry, const absl::Status& status) {
  entry.pull_runs = false;
  metrics_.PullEnded(OutcomeOf(status));
  v1::Image& image = entry.image;
  if (status.ok()) {
    image.clear_reason();
    image.set_present_bytes(image.size_bytes());
    image.mutable_cached_at()->set_seconds(absl::ToUnixSeconds(host_.clock.Now()));
    Move(entry, ImageEvent::kHashRight);
    host_.log.Info("cache.image_cached", {{"image", image.id()}, {"bytes", image.size_bytes()}});
    const json::object body{{"imageId", image.id()}, {"size", image.size_bytes()}, {"sha256", image.sha256()}};
    host_.events.Publish(
        events::MakeEvent("image.cached", image.id(), PRIORITY_RESULT, json::serialize(body), host_.clock.Now()));
    return;
  }
  if (absl::IsCancelled(status)) return;
  image.set_reason(std::string(status.message()));
  image.set_present_bytes(SizeOf(Part(image.id())));
  if (image.state() == v1::IMAGE_STATE_ABSENT) Move(entry, ImageEvent::kDemanded);  // Refused before it began.
  Move(entry, ImageEvent::kGaveUp);
  host_.log.Error("cache.pull_failed", {{"image", image.id()}, {"reason", image.reason()}});
}

absl::StatusOr<std::uint64_t> ImageLibrary::Evict(const std::string& image_id) {
  const auto at = entries_.find(image_id);
  if (at == entries_.end()) return absl::NotFoundError(fmt::format("image {} is not known here", image_id));
  const std::shared_ptr<Entry> entry = at->second;
  if (entry->pull_runs || entry->readers > 0) {
    return absl::FailedPreconditionError(fmt::format("image {} is in use", image_id));
  }
  const std::uint64_t freed = entry->image.present_bytes();
  // The index first: after a crash a file without an entry is removed, an entry without a file is absent.
  Move(*entry, ImageEvent::kEvicted);
  entry->image.set_present_bytes(0);
  entry->image.clear_reason();
  ++entry->generation;
  Store(*entry);
  ::unlink(Final(image_id).c_str());
  ::unlink(Part(image_id).c_str());
  metrics_.Evicted();
  Count();
  host_.log.Info("cache.image_evicted", {{"image", image_id}, {"bytes", freed}});
  host_.events.Publish(events::MakeEvent("image.evicted",
                                         image_id,
                                         PRIORITY_RESULT,
                                         json::serialize(json::object{{"imageId", image_id}}),
                                         host_.clock.Now()));
  return freed;
}

std::uint64_t ImageLibrary::Servable(const Entry& entry) {
  if (entry.image.state() == v1::IMAGE_STATE_CACHED) return entry.image.size_bytes();
  const std::uint64_t size = entry.image.size_bytes();
  const std::uint64_t unverified = size > limits::kHeldBackBytes ? size - limits::kHeldBackBytes : 0;
  return std::min(entry.image.present_bytes(), unverified);
}

asio::awaitable<void> ImageLibrary::Changed(std::shared_ptr<Entry> entry) {
  co_await entry->changed.async_wait(asio::as_tuple(asio::use_awaitable));
}

void ImageLibrary::Touch(Entry& entry) {
  entry.image.mutable_last_used_at()->set_seconds(absl::ToUnixSeconds(host_.clock.Now()));
}

std::uint64_t ImageLibrary::UsedBytes() const {
  std::uint64_t used = 0;
  for (const auto& [id, entry] : entries_) used += entry->image.present_bytes();
  return used;
}

void ImageLibrary::Move(Entry& entry, ImageEvent event) {
  const auto next = After(entry.image.state(), event);
  if (!next) return;
  entry.image.set_state(*next);
  entry.changed.cancel();
  Store(entry);
  Count();
  TellProgress(entry, true);
}

void ImageLibrary::Store(const Entry& entry) {
  // Without sync: what a power cut takes back is found again on the disk or fetched again.
  const std::string key = std::string(kKeyPrefix) + entry.image.id();
  const absl::Status status = host_.store.Apply({{key, entry.image.SerializeAsString()}}, false);
  if (!status.ok()) host_.log.Error("cache.index_failed", {{"image", entry.image.id()}, {"reason", std::string(status.message())}});
}

void ImageLibrary::TellProgress(Entry& entry, bool now) {
  const absl::Time time = host_.clock.Now();
  if (!now && time - entry.told < limits::kProgressInterval) return;
  entry.told = time;
  const v1::Image& image = entry.image;
  const bool failed = image.state() == v1::IMAGE_STATE_FAILED;
  const json::object body{{"imageId", image.id()},
                          {"state", ImageStateName(image.state())},
                          {"presentBytes", image.present_bytes()},
                          {"sizeBytes", image.size_bytes()},
                          {"reason", image.reason()}};
  host_.events.Publish(events::MakeEvent(
      "image.progress", image.id(), failed ? PRIORITY_RESULT : PRIORITY_METRIC, json::serialize(body), time));
}

void ImageLibrary::Count() {
  std::map<std::string, std::size_t> counts;
  for (const char* state : {"absent", "pulling", "verifying", "cached", "failed"}) counts[state] = 0;
  for (const auto& [id, entry] : entries_) ++counts[std::string(ImageStateName(entry->image.state()))];
  metrics_.Images(counts);
  metrics_.Used(UsedBytes(), host_.config.current().cache().max_bytes());
}

}  // namespace tentacle::cache
