// The index half of the library: what is written down of an image, and what is believed of it at
// the start.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "services/cache/core/image_name.h"
#include "services/cache/file_facts.h"
#include "services/cache/image_library.h"
#include "services/cache/kill_point.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKeyPrefix = "image/";
constexpr std::string_view kFilePrefix = "file/";
// Of pulls that run or wait until the cache is on, whose they are.
constexpr std::string_view kClassPrefix = "pull-class/";
constexpr std::string_view kOfPrepull = "prepull";
constexpr std::string_view kOfRepair = "repair";
constexpr std::string_view kOfTask = "task";
// Instead of the id of a file that was whole once and is doubted.
constexpr std::string_view kDoubted = "doubted";

bool IsPulling(ImageState state) {
  return state == v1::IMAGE_STATE_PULLING || state == v1::IMAGE_STATE_VERIFYING;
}

PullClass ClassOf(std::string_view stored) {
  if (stored == kOfPrepull) return PullClass::kPrepull;
  return stored == kOfRepair ? PullClass::kRepair : PullClass::kTask;
}

std::string_view NameOf(PullClass pull_class) {
  if (pull_class == PullClass::kPrepull) return kOfPrepull;
  return pull_class == PullClass::kRepair ? kOfRepair : kOfTask;
}

// What the index has under each key that begins so; `prefix` ends with a slash.
absl::StatusOr<std::map<std::string, std::string>> ValuesBehind(store::Store& store,
                                                                std::string_view prefix) {
  std::map<std::string, std::string> values;
  auto visit = [&](std::string_view key, std::string_view value) {
    values.emplace(key.substr(prefix.size()), value);
    return true;
  };
  std::string end(prefix);
  ++end.back();
  if (absl::Status status = store.Scan(prefix, end, visit); !status.ok()) return status;
  return values;
}

}  // namespace

// True: it is here, whole and verified.
bool ImageLibrary::OpenEntry(std::shared_ptr<Entry> entry, const std::string& stored_class) {
  v1::Image& image = entry->image;
  *entry->pull_class = ClassOf(stored_class);
  const std::uint64_t size = image.size_bytes();
  const std::string final_path = Final(image.id());
  const bool cached = image.state() == v1::IMAGE_STATE_CACHED;
  if (cached && size > 0 && FileSize(final_path) == size && IsTheFile(*entry)) return true;
  // Killed between a rename and the index, or the file was touched meanwhile: verified once more,
  // the line is not needed for what is right in it.
  const bool pulled = IsPulling(image.state()) || !stored_class.empty();
  const bool was_here = cached || entry->doubted;
  const bool has_final = ::access(final_path.c_str(), F_OK) == 0;
  if (has_final && (pulled || was_here) &&
      ::rename(final_path.c_str(), Part(image.id()).c_str()) != 0) {
    host_.log.Warning("cache.part_not_restored",
                      {{"image", image.id()}, {"reason", std::strerror(errno)}});
  }
  const bool whole = size > 0 && FileSize(Part(image.id())) >= size;
  entry->doubted = whole && (was_here || (pulled && has_final));
  // What is pinned or needed is fetched anew, whatever has become of it. A repair that somebody
  // cancelled rests.
  const bool kept = image.pinned() || image.needed();
  const bool rests = image.state() == v1::IMAGE_STATE_ABSENT && !pulled && !has_final && !kept;
  const bool missed = was_here && (whole || kept) && !rests;
  // A prepull that was done needs no window for the rest of it.
  const bool is_task = pulled && *entry->pull_class == PullClass::kTask;
  if ((missed || entry->doubted) && !is_task) *entry->pull_class = PullClass::kRepair;
  if ((pulled || missed) && *entry->pull_class != PullClass::kPrepull) to_resume_.push_back(entry);
  image.set_state(v1::IMAGE_STATE_ABSENT);
  image.set_present_bytes(PartBytes(*entry));
  if (entry->doubted) image.set_reason(std::string(kToBeVerified));
  return false;
}

absl::Status ImageLibrary::Open() {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", folder_, error.message()));
  auto files = ValuesBehind(host_.store, kFilePrefix);
  if (!files.ok()) return files.status();
  auto classes = ValuesBehind(host_.store, kClassPrefix);
  if (!classes.ok()) return classes.status();
  LoadNeeded();
  LoadOrphansUntil();
  std::set<std::string> known;
  std::vector<std::shared_ptr<Entry>> lost;
  auto visit = [&](std::string_view, std::string_view value) {
    auto entry = std::make_shared<Entry>();
    if (!entry->image.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
    entry->image.clear_checked_bytes();
    const std::string& id = entry->image.id();
    if (!IsAcceptableId(id)) return true;
    entry->doubted = (*files)[id] == kDoubted;
    if (!entry->doubted) entry->file_id = (*files)[id];
    entry->image.set_needed(needed_.contains(id));
    const bool was_cached = entry->image.state() == v1::IMAGE_STATE_CACHED;
    const bool is_here = OpenEntry(entry, (*classes)[id]);
    known.insert(FileNameOf(id) + (is_here ? "" : ".part"));
    if (was_cached && !is_here && !entry->doubted) lost.push_back(entry);
    entries_[id] = entry;
    return true;
  };
  if (absl::Status status = host_.store.Scan(kKeyPrefix, "image0", visit); !status.ok())
    return status;
  for (const auto& entry : lost) {
    TellCorrupt(*entry, std::nullopt);
    Store(*entry);  // Once.
  }
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    if (!known.contains(file.path().filename().string()))
      AdoptOrRemove(file.path().filename().string());
  }
  Configure();
  Count();
  return absl::OkStatus();
}

// Of what is not here, and nobody holds on to.
bool ImageLibrary::ForgetOldest() {
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const auto& [id, entry] = *at;
    const bool is_here = entry->image.present_bytes() > 0 || !KeptFor(*entry).empty();
    if (is_here || entry.use_count() > 1) continue;
    const auto used = [](const auto& one) { return one.second->image.last_used_at().seconds(); };
    if (oldest == entries_.end() || used(*at) < used(*oldest)) oldest = at;
  }
  if (oldest == entries_.end()) return false;
  const std::string id = oldest->first;
  Forget(id);
  const absl::Status status = host_.store.Apply({{std::string(kKeyPrefix) + id, std::nullopt},
                                                 {std::string(kFilePrefix) + id, std::nullopt},
                                                 {std::string(kClassPrefix) + id, std::nullopt}},
                                                false);
  if (!status.ok()) return false;
  entries_.erase(oldest);
  return true;
}

void ImageLibrary::Store(const Entry& entry, bool sync) {
  const std::string key = std::string(kKeyPrefix) + entry.image.id();
  const std::string file_key = std::string(kFilePrefix) + entry.image.id();
  store::Write rank{std::string(kClassPrefix) + entry.image.id(), std::nullopt};
  if (entry.pull_runs || Waits(entry) || entry.again) {
    const PullClass runs = *entry.pull_class;
    rank.value = NameOf(std::max(runs, entry.again.value_or(runs)));
  }
  const std::string file = entry.doubted ? std::string(kDoubted) : entry.file_id;
  KillPoint("before_index");
  const absl::Status status = host_.store.Apply(
      {{key, entry.image.SerializeAsString()}, {file_key, file}, std::move(rank)}, sync);
  KillPoint("after_index");
  if (!status.ok())
    host_.log.Error("cache.index_failed",
                    {{"image", entry.image.id()}, {"reason", std::string(status.message())}});
}

}  // namespace tentacle::cache
