#include "services/cache/image_library.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/cache/core/image_name.h"
#include "services/cache/file_facts.h"
#include "services/cache/kill_point.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using event::v1::PRIORITY_METRIC;
using event::v1::PRIORITY_RESULT;

}  // namespace

ImageLibrary::ImageLibrary(runtime::Host& host, Metrics& metrics, retry::BackoffPolicy retries)
    : host_(host),
      metrics_(metrics),
      folder_(host.paths.state_dir + "/cache/images"),
      metas_(host.home, host.clock),
      retries_(retries),
      turns_(host.home),
      pulls_(limits::kPullThreads) {}

std::string ImageLibrary::Final(const std::string& image_id) const {
  return folder_ + "/" + FileNameOf(image_id);
}

std::string ImageLibrary::Part(const std::string& image_id) const {
  return Final(image_id) + ".part";
}

// The pull thread renames, and the word of it comes later: until then only the disk knows the name.
// A file is renamed once and in one direction, so who finds neither name in this order finds no
// file.
absl::StatusOr<net::FileSpan> ImageLibrary::OpenBytes(const Entry& entry) const {
  if (entry.image.state() != v1::IMAGE_STATE_CACHED) {
    auto part = net::OpenFileSpan(Part(entry.image.id()));
    if (!absl::IsNotFound(part.status())) return part;
  }
  return net::OpenFileSpan(Final(entry.image.id()));
}

void ImageLibrary::Configure() {
  if (IdleReason().empty()) return Resume();
  for (const auto& [id, entry] : entries_) {
    if (!entry->pull_runs || entry->stop->begun()) continue;
    entry->again = entry->pull_class->load();
    BreakOff(*entry);
  }
}

void ImageLibrary::Resume() {
  resuming_ = std::exchange(to_resume_, {});
  // What somebody wants to stay comes first; and what is whole, since it needs no room.
  std::stable_partition(resuming_.begin(), resuming_.end(),
                        [](const auto& entry) { return entry->doubted; });
  std::stable_partition(resuming_.begin(), resuming_.end(), [](const auto& entry) {
    return entry->doubted && (entry->image.pinned() || entry->image.needed());
  });
  // One that pauses has given its place back, and one in trouble will.
  auto repairs = std::count_if(entries_.begin(), entries_.end(), [](const auto& one) {
    const Entry& entry = *one.second;
    return entry.pull_runs && entry.line != Line::kFails && *entry.pull_class == PullClass::kRepair;
  });
  for (const auto& entry : resuming_) {
    if (entry->pull_runs || entry->image.state() != v1::IMAGE_STATE_ABSENT) continue;
    const bool is_repair = *entry->pull_class == PullClass::kRepair;
    // The others can be evicted while they wait.
    if (is_repair && repairs >= limits::kRepairPulls) {
      to_resume_.push_back(entry);
      continue;
    }
    entry->wanted_until = host_.clock.Now() + limits::kTaskWants;
    const absl::Status started = StartPull(entry, *entry->pull_class);
    if (!started.ok()) Ended(*entry, started);
    if (started.ok() && is_repair) ++repairs;
  }
  resuming_.clear();
}

bool ImageLibrary::Waits(const Entry& entry) const {
  return std::any_of(to_resume_.begin(), to_resume_.end(),
                     [&](const auto& one) { return one.get() == &entry; });
}

std::string ImageLibrary::IdleReason() const {
  const auto& config = host_.config.current();
  if (!config.cache().enabled()) return "switched off: cache.enabled is false";
  if (config.uplink().mode() != "full")
    return fmt::format("not used in mode {}", config.uplink().mode());
  return "";
}

Origin ImageLibrary::MakeOrigin() const {
  const auto& config = host_.config.current();
  return {config.backend(), config.node().id(), host_.paths.KeyFile(), backend_clock_};
}

asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> ImageLibrary::Find(std::string image_id) {
  if (!IsAcceptableId(image_id)) co_return absl::InvalidArgumentError("this is no image id");
  if (const auto at = entries_.find(image_id); at != entries_.end()) co_return at->second;
  auto meta = co_await metas_.Ask(MakeOrigin(), image_id);
  if (!meta.ok()) co_return meta.status();
  // Somebody else may have asked meanwhile.
  if (const auto at = entries_.find(image_id); at != entries_.end()) co_return at->second;
  if (entries_.size() >= limits::kMaxImages && !ForgetOldest())
    co_return absl::ResourceExhaustedError("too many images are known");
  auto entry = std::make_shared<Entry>();
  entry->image = *std::move(meta);
  entry->meta_at = host_.clock.Now();
  entry->image.set_needed(needed_.contains(image_id));
  // It outlived its index: it is checked like any part that a restart finds.
  if (orphans_.erase(FileNameOf(image_id)) > 0)
    entry->image.set_present_bytes(DiskUse(Part(image_id)));
  entries_[image_id] = entry;
  Store(*entry);
  Count();
  co_return entry;
}

// Nothing of the image is here: what the backend has under this id may have changed since we asked.
asio::awaitable<absl::Status> ImageLibrary::RenewMeta(std::shared_ptr<Entry> entry) {
  if (host_.clock.Now() - entry->meta_at < limits::kMetaRemembered) co_return absl::OkStatus();
  auto meta = co_await metas_.Ask(MakeOrigin(), entry->image.id());
  if (absl::IsNotFound(meta.status())) co_return meta.status();
  // Without the backend the old one has to do. Somebody else may have begun to pull meanwhile.
  if (!meta.ok() || entry->pull_runs || entry->image.present_bytes() > 0)
    co_return absl::OkStatus();
  entry->meta_at = host_.clock.Now();
  v1::Image& image = entry->image;
  if (meta->sha256() != image.sha256()) ++entry->generation;
  image.set_name(meta->name());
  image.set_sha256(meta->sha256());
  image.set_format(meta->format());
  image.set_size_bytes(meta->size_bytes());
  image.set_unpacked_size_bytes(meta->unpacked_size_bytes());
  Store(*entry);
  co_return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Entry>> ImageLibrary::FindHere(const std::string& image_id) {
  const auto at = entries_.find(image_id);
  if (at == entries_.end() || !at->second->IsCheckedByChunk())
    return absl::NotFoundError("this image is neither here nor on its way");
  Touch(*at->second, PullClass::kPrepull);
  DoubtIfTouched(at->second);
  return at->second;
}

void ImageLibrary::DoubtIfTouched(const std::shared_ptr<Entry>& entry) {
  if (entry->image.state() == v1::IMAGE_STATE_CACHED && !IsTheFile(*entry))
    Doubt(entry, "the file was changed by somebody else");
}

asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> ImageLibrary::Demand(std::string image_id,
                                                                             PullClass rank) {
  if (std::string idle = IdleReason(); !idle.empty()) co_return absl::FailedPreconditionError(idle);
  const auto found = co_await Find(std::move(image_id));
  if (!found.ok()) co_return found;
  const std::shared_ptr<Entry>& entry = *found;
  Touch(*entry, rank);
  DoubtIfTouched(entry);
  if (Join(*entry, rank)) co_return found;
  if (rank == PullClass::kClient && host_.clock.Now() - entry->failed_at < limits::kFailedRest) {
    co_return absl::UnavailableError(entry->image.reason());
  }
  if (entry->image.present_bytes() == 0) {
    absl::Status renewed = co_await RenewMeta(entry);
    if (Join(*entry, rank)) co_return found;
    if (!renewed.ok()) co_return renewed;
  }
  // It may have been switched off meanwhile.
  if (std::string idle = IdleReason(); !idle.empty()) co_return absl::FailedPreconditionError(idle);
  absl::Status status = StartPull(entry, rank);
  if (!status.ok()) {
    Ended(*entry, status);
    co_return status;
  }
  co_return found;
}

absl::StatusOr<std::uint64_t> ImageLibrary::Evict(const std::string& image_id) {
  const auto at = entries_.find(image_id);
  if (at == entries_.end())
    return absl::NotFoundError(fmt::format("image {} is not known here", image_id));
  const std::shared_ptr<Entry> entry = at->second;
  if (const std::string why = KeptFor(*entry); !why.empty())
    return absl::FailedPreconditionError(fmt::format("image {} stays: {}", image_id, why));
  if (entry->pull_runs) BreakOff(*entry);
  const std::uint64_t freed = entry->image.present_bytes();
  // The index first: after a crash a file without an entry is removed, an entry without a file is
  // absent.
  entry->image.set_present_bytes(0);
  entry->image.clear_reason();
  entry->doubted = false;
  std::erase(to_resume_, entry);
  ++entry->generation;
  KillPoint("before_evict_index");
  Move(*entry, ImageEvent::kEvicted);
  // Also what had no state to leave. For good: a file that is gone was damaged, by the index.
  Store(*entry, true);
  Forget(image_id);
  KillPoint("before_unlink");
  ::unlink(Final(image_id).c_str());
  KillPoint("between_unlinks");
  ::unlink(Part(image_id).c_str());
  KillPoint("after_unlink");
  metrics_.Evicted();
  Count();
  host_.log.Info("cache.image_evicted", {{"image", image_id}, {"bytes", freed}});
  host_.events.Publish(events::MakeEvent("image.evicted", image_id, PRIORITY_RESULT,
                                         json::serialize(json::object{{"imageId", image_id}}),
                                         host_.clock.Now()));
  return freed;
}

void ImageLibrary::Touch(Entry& entry, PullClass rank) {
  const absl::Time now = host_.clock.Now();
  // A prepull asks again after its own time.
  if (rank == PullClass::kTask)
    entry.wanted_until = std::max(entry.wanted_until, now + limits::kTaskWants);
  if (rank == PullClass::kClient)
    entry.wanted_until = std::max(entry.wanted_until, now + limits::kClientWants);
  entry.image.mutable_last_used_at()->set_seconds(absl::ToUnixSeconds(now));
  if (now - entry.use_stored < limits::kUseStoreInterval) return;
  entry.use_stored = now;
  Store(entry);
}

bool ImageLibrary::Join(Entry& entry, PullClass rank) {
  if (!entry.pull_runs) return entry.image.state() == v1::IMAGE_STATE_CACHED;
  if (entry.stop->begun()) {
    entry.again = std::max(entry.again.value_or(rank), rank);
    Store(entry);
  } else if (*entry.pull_class < rank) {
    *entry.pull_class = rank;
    turns_.Tell();
    Store(entry);
  }
  return true;
}

std::uint64_t ImageLibrary::UsedBytes() const {
  std::uint64_t used = OrphanBytes();
  for (const auto& [id, entry] : entries_)
    used += entry->image.present_bytes();
  return used;
}

void ImageLibrary::Move(Entry& entry, ImageEvent event) {
  const auto next = After(entry.image.state(), event);
  if (!next) return;
  entry.image.set_state(*next);
  entry.Tell();
  Store(entry);
  Count();
  TellProgress(entry, Word::kState, true);
}

void ImageLibrary::TellProgress(Entry& entry, Word word, bool now) {
  const absl::Time time = host_.clock.Now();
  if (!now && time - entry.told < limits::kProgressInterval) return;
  entry.told = time;
  const v1::Image& image = entry.image;
  json::object body{{"imageId", image.id()},
                    {"state", ImageStateName(image.state())},
                    {"presentBytes", image.present_bytes()},
                    {"sizeBytes", image.size_bytes()},
                    {"reason", image.reason()}};
  // A word of less weight may come after a newer one of more.
  const bool interim = word == Word::kInterim;
  if (interim) body["interim"] = true;
  host_.events.Publish(events::MakeEvent("image.progress", image.id(),
                                         interim ? PRIORITY_METRIC : PRIORITY_RESULT,
                                         json::serialize(body), time));
}

void ImageLibrary::Count() {
  std::map<std::string, std::size_t> counts;
  for (const char* state : {"absent", "pulling", "verifying", "cached", "failed"})
    counts[state] = 0;
  for (const auto& [id, entry] : entries_)
    ++counts[std::string(ImageStateName(entry->image.state()))];
  metrics_.Images(counts);
  metrics_.Used(UsedBytes(), host_.config.current().cache().max_bytes());
}

}  // namespace tentacle::cache
