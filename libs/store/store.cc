#include "libs/store/store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "libs/store/database.h"
#include "libs/store/mending_store.h"

namespace tentacle::store {

namespace {

constexpr char kFormatKey[] = "store/format";
constexpr char kKeptPrefix[] = "corrupt-";
// Which part of the room for writing is enough for opening: a recovery writes a few MiB at most.
constexpr std::uint64_t kOpenShare = 4;
// Damaged databases that are kept for looking at, newest first: a bad disk must not fill itself
// with them.
constexpr std::size_t kMaxKept = 3;
// Names that are tried for one of them; a second one in the same second is a test.
constexpr int kMaxNames = 100;

absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info {};

  if (::statvfs(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
  ::chmod(path.c_str(), 0700);
  return absl::OkStatus();
}

// The date in the name is the order of age.
void ForgetOldest(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> kept;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().starts_with(kKeptPrefix)) kept.push_back(at->path());
  }
  std::sort(kept.begin(), kept.end(), std::greater<>());
  for (std::size_t i = kMaxKept; i < kept.size(); ++i)
    std::filesystem::remove_all(kept[i], error);
}

// What is lost here is fetched again from the backend or from the folder; the evidence is kept.
absl::StatusOr<std::string> MoveAside(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string date = absl::FormatTime("%Y-%m-%dT%H-%M-%SZ", absl::Now(), absl::UTCTimeZone());
  std::error_code error;
  for (int count = 1; count <= kMaxNames; ++count) {
    const std::string suffix = count == 1 ? "" : fmt::format("-{}", count);
    const std::filesystem::path target = folder / fmt::format("{}{}{}", kKeptPrefix, date, suffix);
    if (std::filesystem::exists(target, error)) continue;
    std::filesystem::rename(path, target, error);
    if (error) continue;
    ForgetOldest(folder);
    return target.string();
  }
  return absl::DataLossError(
      fmt::format("{} is damaged and could not be moved aside: {}", path, error.message()));
}

absl::Status BringUp(Store& store, std::uint32_t from, const StoreFormat& format) {
  for (std::uint32_t at = from; at < format.version; ++at) {
    auto writes = format.migrate(store, at);
    if (!writes.ok()) return writes.status();
    writes->push_back({kFormatKey, std::to_string(at + 1)});
    if (absl::Status status = store.Apply(*writes); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// A store without a number is one of version 1, or new.
absl::Status CheckFormat(Store& store, const std::string& path, const StoreFormat& format) {
  const auto stored = store.Get(kFormatKey);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) {
    bool empty = true;
    auto visit = [&empty](std::string_view, std::string_view) { return empty = false; };
    if (absl::Status status = store.Scan("", "\xff", visit); !status.ok()) return status;
    const std::uint32_t now = empty ? format.version : 1;
    absl::Status status = store.Apply({{kFormatKey, std::to_string(now)}});
    return status.ok() ? BringUp(store, now, format) : status;
  }
  const auto number = static_cast<std::uint32_t>(std::strtoul((*stored)->c_str(), nullptr, 10));
  if (number <= format.version) return BringUp(store, number, format);
  return absl::FailedPreconditionError(fmt::format(
      "{} was written by a newer version of this program (format {}, this one knows {}): "
      "install that version again, or move the folder away to begin empty",
      path, number, format.version));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, StoreOptions options) {
  if (!options.free_bytes) options.free_bytes = &FreeBytes;
  if (absl::Status status = MakeFolder(path); !status.ok()) return status;
  const std::uint64_t needed = options.min_free_bytes / kOpenShare;
  if (absl::Status status = CheckRoom(path, options, needed); !status.ok()) return status;

  auto database = std::make_unique<Database>(path, options.files);
  Recovery recovery;
  absl::Status status = database->Open();
  if (absl::IsDataLoss(status)) {
    auto moved_to = MoveAside(path);
    if (!moved_to.ok()) return moved_to.status();
    recovery = {*std::move(moved_to), std::string(status.message())};
    status = MakeFolder(path);
    if (status.ok()) status = database->Open();
  }
  if (!status.ok()) return status;
  const StoreFormat format = options.format;
  auto store = std::make_unique<MendingStore>(path, std::move(options), std::move(database),
                                              std::move(recovery));
  if (status = CheckFormat(*store, path, format); !status.ok()) return status;
  return store;
}

}  // namespace tentacle::store
