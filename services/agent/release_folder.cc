#include "services/agent/release_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <absl/strings/escaping.h>

#include "libs/chunks/sha256.h"
#include "libs/identity/identity.h"
#include "libs/runtime/kill_point.h"
#include "libs/store/durable_file.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

using runtime::KillPoint;

constexpr char kName[] = "octofleet-tentacle";
constexpr std::size_t kPieceBytes = 256 * 1024;

absl::Status Errno(std::string_view what) {
  return absl::ErrnoToStatus(errno, fmt::format("{}", what));
}

std::string Hex(const chunks::Digest& digest) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

bool IsSlot(std::string_view slot) {
  return slot == "a" || slot == "b";
}

}  // namespace

std::string ReleaseFolder::SlotFolder(std::string_view slot) const {
  return fmt::format("{}/{}", path_, slot);
}

std::string ReleaseFolder::Executable(std::string_view slot) const {
  return fmt::format("{}/{}/{}", path_, slot, kName);
}

std::optional<std::string> ReleaseFolder::SlotOf(std::string_view executable) const {
  for (const char* slot : {"a", "b"}) {
    // The kernel adds " (deleted)" to the path of one that was replaced; that is not in a slot.
    if (executable == Executable(slot)) return slot;
  }
  return std::nullopt;
}

std::string ReleaseFolder::Link(std::string_view name) const {
  std::array<char, 8> target{};
  const auto size =
      ::readlink(fmt::format("{}/{}", path_, name).c_str(), target.data(), target.size());
  const std::string slot(target.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  return IsSlot(slot) ? slot : "";
}

absl::StatusOr<UpdateRecord> ReleaseFolder::Read() const {
  const UniqueFd file(::open((path_ + "/record.json").c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Errno(path_ + "/record.json");
  std::string text(limits::kMaxUpdateRecordBytes, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return Errno(path_ + "/record.json");
  return ParseUpdate(std::string_view(text).substr(0, static_cast<std::size_t>(size)));
}

absl::StatusOr<UniqueFd> ReleaseFolder::Lock() const {
  UniqueFd lock(::open((path_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return Errno(path_ + "/lock");
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return Errno(path_ + "/lock");
  }
  return lock;
}

absl::StatusOr<UpdateRecord> ReleaseFolder::Change(
    std::string_view running_slot, const std::function<bool(UpdateRecord&)>& change) const {
  const auto lock = Lock();
  if (!lock.ok()) return lock.status();
  auto record = Read();
  const bool none = absl::IsNotFound(record.status()) || absl::IsDataLoss(record.status());
  if (none && IsSlot(running_slot)) {
    record = UpdateRecord();
    record->installed.slot = running_slot;
  }
  if (!record.ok()) return record.status();
  if (change(*record)) {
    if (const auto written = Write(*record); !written.ok()) return written;
  }
  // Also when nothing was changed: a kill may have come between record and links.
  const ReleaseLinks links = LinksOf(*record);
  if (auto set = PointTo("committed", links.committed); !set.ok()) return set;
  if (auto set = PointTo("current", links.current); !set.ok()) return set;
  return record;
}

absl::Status ReleaseFolder::Write(const UpdateRecord& record) const {
  const std::string path = path_ + "/record.json";
  const std::string fresh = path + ".new";
  if (auto status = store::WriteSynced(fresh, SerializeUpdate(record), 0600); !status.ok()) {
    return status;
  }
  KillPoint(fmt::format("before_record_{}", Name(record.step)));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return Errno(path);
  KillPoint(fmt::format("after_record_{}", Name(record.step)));
  return store::SyncFolder(path_);
}

absl::Status ReleaseFolder::PointTo(std::string_view name, std::string_view slot) const {
  if (Link(name) == slot) return absl::OkStatus();
  // A link to nothing would leave the host with neither release.
  if (::access(Executable(slot).c_str(), X_OK) != 0) {
    return absl::FailedPreconditionError(fmt::format("{} cannot be executed", Executable(slot)));
  }
  const std::string path = fmt::format("{}/{}", path_, name);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  if (::symlink(std::string(slot).c_str(), fresh.c_str()) != 0) return Errno(fresh);
  KillPoint(fmt::format("before_link_{}", name));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return Errno(path);
  KillPoint(fmt::format("after_link_{}", name));
  return store::SyncFolder(path_);
}

struct ArrivingExecutable::Hash {
  chunks::Sha256 sha256;
};

ArrivingExecutable::ArrivingExecutable(UniqueFd fd, std::uint64_t signed_bytes, absl::Time now)
    : fd_(std::move(fd)), retrieval_(signed_bytes, now), hash_(std::make_shared<Hash>()) {}

absl::StatusOr<ArrivingExecutable> ArrivingExecutable::Create(const std::string& folder,
                                                              std::uint64_t signed_bytes,
                                                              absl::Time now) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Errno(folder);
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() < 0) return Errno(folder);
  if (::fallocate(fd.get(), 0, 0, static_cast<off_t>(signed_bytes)) != 0 && errno != EOPNOTSUPP) {
    return Errno(fmt::format("{}: room for {} bytes", folder, signed_bytes));
  }
  return ArrivingExecutable(std::move(fd), signed_bytes, now);
}

absl::Status ArrivingExecutable::Write(std::string_view piece, absl::Time now) {
  KillPoint("while_downloading");
  if (auto status = retrieval_.Add(piece.size(), now); !status.ok()) return status;
  hash_->sha256.Add(piece);
  return store::WriteAll(fd_.get(), piece, "executable");
}

absl::Status ArrivingExecutable::Verify(std::string_view sha256) {
  if (!retrieval_.complete()) return absl::DataLossError("fewer bytes than the manifest says");
  if (Hex(hash_->sha256.Take()) != sha256) {
    return absl::DataLossError("the SHA-256 is not that of the manifest");
  }
  if (::fchmod(fd_.get(), 0555) != 0 || ::fsync(fd_.get()) != 0) return Errno("executable");
  // What will be run is what is read now.
  const auto on_disk = Sha256OfFile(fd_.get());
  if (!on_disk.ok()) return on_disk.status();
  if (*on_disk != sha256) return absl::DataLossError("the disk does not hold what was written");
  return absl::OkStatus();
}

absl::Status ArrivingExecutable::InstallAs(const std::string& path) {
  const std::string fresh = path + ".new";
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) return Errno(fresh);
  const std::string open_file = fmt::format("/proc/self/fd/{}", fd_.get());
  KillPoint("before_link_executable");
  if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, fresh.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return Errno(fresh);
  }
  KillPoint("before_rename_executable");
  if (::rename(fresh.c_str(), path.c_str()) != 0) return Errno(path);
  KillPoint("after_rename_executable");

  struct stat ours {};

  struct stat there {};

  // A name can be taken by somebody else; a file that is open cannot.
  if (::fstat(fd_.get(), &ours) != 0 || ::lstat(path.c_str(), &there) != 0) return Errno(path);
  if (ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
    return absl::DataLossError(fmt::format("{}: another file took its place", path));
  }
  if (auto status = store::SyncFolder(path.substr(0, path.rfind('/'))); !status.ok()) return status;
  // The kernel runs nothing that is open for writing.
  fd_ = UniqueFd();
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sha256OfFile(int fd) {
  chunks::Sha256 hash;
  std::string piece(kPieceBytes, '\0');
  off_t at = 0;
  for (;;) {
    const ssize_t size = ::pread(fd, piece.data(), piece.size(), at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Errno("reading");
    if (size == 0) break;
    hash.Add(std::string_view(piece).substr(0, static_cast<std::size_t>(size)));
    at += size;
  }
  return Hex(hash.Take());
}

}  // namespace tentacle::agent
