// The keeping half of the library: what stays, what is doubted, what outlives its index.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "services/cache/core/image_name.h"
#include "services/cache/file_facts.h"
#include "services/cache/image_library.h"
#include "services/cache/kill_point.h"
#include "services/cache/limits.h"
#include "services/cache/timestamp.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using event::v1::PRIORITY_RESULT;

constexpr std::string_view kNeededKey = "needed";
constexpr std::string_view kOrphansKey = "orphans_until";
constexpr std::string_view kPartSuffix = ".part";

std::string ListKey(const std::string& image_id) {
  return "chunks/" + image_id;
}

// The hex of FileNameOf(), or "".
std::string_view ImagePart(std::string_view file) {
  if (file.ends_with(kPartSuffix)) file.remove_suffix(kPartSuffix.size());
  const bool is_name =
      file.size() == 64 && file.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_name ? file : std::string_view();
}

}  // namespace

std::string ImageLibrary::KeptFor(const Entry& entry) const {
  // A repair that comes to nothing gives way to what somebody needs.
  const bool gives_way = entry.pause != nullptr && *entry.pull_class == PullClass::kRepair;
  if (entry.pull_runs && !gives_way) return "being pulled";
  const bool waits = entry.image.state() == v1::IMAGE_STATE_ABSENT;
  const bool is_resumed =
      waits && std::any_of(resuming_.begin(), resuming_.end(),
                           [&](const auto& one) { return one.get() == &entry; });
  if (is_resumed) return std::string(kToBeVerified);
  if (entry.readers > 0) return "in use";
  if (entry.image.needed()) return "needed by a task";
  return entry.image.pinned() ? "pinned" : "";
}

asio::awaitable<absl::StatusOr<std::shared_ptr<Entry>>> ImageLibrary::Pin(std::string image_id,
                                                                          bool pinned) {
  auto found = co_await Find(std::move(image_id));
  if (!found.ok()) co_return found;
  (*found)->image.set_pinned(pinned);
  Store(**found, true);  // Somebody was told so.
  co_return found;
}

void ImageLibrary::ReplaceNeeded(std::set<std::string> image_ids) {
  if (image_ids == needed_) return;
  needed_ = std::move(image_ids);
  v1::ReplaceNeededImagesRequest stored;
  for (const std::string& id : needed_)
    stored.add_image_ids(id);
  const absl::Status status =
      host_.store.Apply({{std::string(kNeededKey), stored.SerializeAsString()}}, false);
  if (!status.ok())
    host_.log.Error("cache.index_failed",
                    {{"image", "needed"}, {"reason", std::string(status.message())}});
  for (const auto& [id, entry] : entries_)
    entry->image.set_needed(needed_.contains(id));
}

void ImageLibrary::LoadNeeded() {
  const auto stored = host_.store.Get(kNeededKey);
  v1::ReplaceNeededImagesRequest needed;
  if (!stored.ok() || !*stored || !needed.ParseFromString(**stored)) return;
  needed_ = {needed.image_ids().begin(), needed.image_ids().end()};
}

bool ImageLibrary::IsTheFile(const Entry& entry) const {
  return !entry.file_id.empty() && FileId(Final(entry.image.id())) == entry.file_id;
}

void ImageLibrary::Doubt(std::shared_ptr<Entry> entry, const std::string& reason) {
  v1::Image& image = entry->image;
  if (image.state() != v1::IMAGE_STATE_CACHED) return;
  metrics_.Doubted();
  host_.log.Warning("cache.image_doubted", {{"image", image.id()}, {"reason", reason}});
  ++entry->generation;  // Who reads it stops.
  entry->doubted = true;
  entry->file_id.clear();
  // Whoever kills us from here on: it is repaired.
  *entry->pull_class = PullClass::kRepair;
  to_resume_.push_back(entry);
  Move(*entry, ImageEvent::kDoubted);
  KillPoint("before_doubt_rename");
  const bool is_there = ::rename(Final(image.id()).c_str(), Part(image.id()).c_str()) == 0;
  KillPoint("after_doubt_rename");
  entry->doubted = is_there && FileSize(Part(image.id())) >= image.size_bytes();
  if (!entry->doubted) TellCorrupt(*entry, std::nullopt);
  // What of it is right is found by the pull.
  image.set_present_bytes(PartBytes(*entry));
  if (!IdleReason().empty()) {
    image.set_reason(std::string(kToBeVerified));
    Store(*entry);
    return;
  }
  std::erase(to_resume_, entry);
  entry->wanted_until = host_.clock.Now() + limits::kTaskWants;
  if (absl::Status status = StartPull(entry, PullClass::kRepair); !status.ok())
    Ended(*entry, status);
}

void ImageLibrary::Verified(Entry& entry) {
  SetTime(entry.image.mutable_verified_at(), host_.clock.Now());
  Store(entry);
  entry.Tell();
}

void ImageLibrary::WrongChunk(Entry& entry, std::size_t chunk, const std::string& where) {
  metrics_.WrongChunk(where == "disk" || where == "backend" ? where : "other");
  if (++entry.wrong_told > limits::kWrongChunksTold) return;
  host_.log.Error("cache.chunk_wrong",
                  {{"image", entry.image.id()}, {"chunk", chunk}, {"from", where}});
  if (where == "disk") TellCorrupt(entry, chunk);
}

// Without a chunk: the whole of it, or nobody knows which.
void ImageLibrary::TellCorrupt(const Entry& entry, std::optional<std::size_t> chunk) {
  json::object body{{"imageId", entry.image.id()}};
  if (chunk) body["chunk"] = *chunk;
  host_.events.Publish(events::MakeEvent("image.corrupt", entry.image.id(), PRIORITY_RESULT,
                                         json::serialize(body), host_.clock.Now()));
}

absl::StatusOr<chunks::ChunkList> ImageLibrary::LoadStoredList(const std::string& image_id) const {
  const auto stored = host_.store.Get(ListKey(image_id));
  if (!stored.ok()) return stored.status();
  if (!*stored) return absl::NotFoundError("there is no chunk list");
  return chunks::Decode(**stored);
}

std::shared_ptr<const chunks::ChunkList> ImageLibrary::StoredList(const v1::Image& image) const {
  const auto stored = host_.store.Get(ListKey(image.id()));
  if (!stored.ok() || !*stored) return nullptr;
  auto list = ReadChunkList(**stored, image);
  return list.ok() ? std::make_shared<const chunks::ChunkList>(*std::move(list)) : nullptr;
}

// OK without a list: the image is pulled in its order.
asio::awaitable<absl::Status> ImageLibrary::GetList(std::shared_ptr<Entry> entry) {
  if (entry->chunked != nullptr) co_return absl::OkStatus();
  using Result = absl::StatusOr<std::shared_ptr<Chunked>>;
  auto load = [&store = host_.store, stop = entry->stop, origin = MakeOrigin(),
               line = LineOf(*entry), image = entry->image]() -> Result {
    const auto stored = store.Get(ListKey(image.id()));
    if (stored.ok() && *stored) {
      auto list = ReadChunkList(**stored, image);
      if (list.ok()) return std::make_shared<Chunked>(*std::move(list));
    }
    auto fetched = FetchChunkList(origin, image, line, *stop);
    if (!fetched.ok()) return fetched.status();
    // Without it in the index a restart asks for it again. Not copied: it may have megabytes.
    std::vector<store::Write> writes(1);
    writes[0] = {ListKey(image.id()), std::move(fetched->encoded)};
    static_cast<void>(store.Apply(writes, false));
    KillPoint("after_list");
    return std::make_shared<Chunked>(std::move(fetched->list));
  };
  auto chunked = co_await async::OnPool(pulls_, load);
  if (chunked.ok()) {
    entry->chunked = *std::move(chunked);
    co_return absl::OkStatus();
  }
  // What was whole once can be checked without the line.
  const bool can_do_without = absl::IsNotFound(chunked.status()) ||
                              (absl::IsUnavailable(chunked.status()) && entry->doubted);
  co_return can_do_without ? absl::OkStatus() : chunked.status();
}

void ImageLibrary::Forget(const std::string& image_id) {
  static_cast<void>(host_.store.Apply({{ListKey(image_id), std::nullopt}}, false));
}

// A file that the index does not know. After a damaged index was moved aside it may well be an
// image: its name says of which id, and it is kept for a while.
void ImageLibrary::AdoptOrRemove(const std::string& file) {
  if (host_.store.recovered() && orphans_until_ == absl::InfinitePast()) {
    orphans_until_ = host_.clock.Now() + limits::kOrphansKept;
    const std::string until = std::to_string(absl::ToUnixSeconds(orphans_until_));
    static_cast<void>(host_.store.Apply({{std::string(kOrphansKey), until}}, true));
  }
  const std::string_view name = ImagePart(file);
  const std::string path = folder_ + "/" + file;
  std::error_code error;
  if (name.empty() || host_.clock.Now() >= orphans_until_) {
    host_.log.Warning("cache.stray_file_removed", {{"file", file}});
    fs::remove(path, error);
    return;
  }
  const std::string part = folder_ + "/" + std::string(name) + std::string(kPartSuffix);
  if (path != part) fs::rename(path, part, error);
  orphans_[std::string(name)] = DiskUse(part);
  host_.log.Warning("cache.orphan_kept", {{"file", file}});
}

void ImageLibrary::LoadOrphansUntil() {
  const auto stored = host_.store.Get(kOrphansKey);
  std::int64_t seconds = 0;
  if (!stored.ok() || !*stored) return;
  std::from_chars((*stored)->data(), (*stored)->data() + (*stored)->size(), seconds);
  orphans_until_ = absl::FromUnixSeconds(seconds);
}

std::uint64_t ImageLibrary::PartBytes(const Entry& entry) const {
  return entry.doubted ? entry.image.size_bytes() : DiskUse(Part(entry.image.id()));
}

std::uint64_t ImageLibrary::OrphanBytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, size] : orphans_)
    bytes += size;
  return bytes;
}

void ImageLibrary::RemoveOrphans() {
  for (const auto& [name, bytes] : std::exchange(orphans_, {}))
    ::unlink((folder_ + "/" + name + std::string(kPartSuffix)).c_str());
}

}  // namespace tentacle::cache
