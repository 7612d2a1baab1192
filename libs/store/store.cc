#include "libs/store/store.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <system_error>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

namespace tentacle::store {

namespace {

// Small buffers, so that a recovery after a crash on a full disk needs little room.
constexpr std::size_t kWriteBufferBytes = 1 << 20;
constexpr std::uint64_t kMaxLogBytes = 4 << 20;

absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = fmt::format("store: {}", status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsIOError() || status.IsBusy()) return absl::UnavailableError(text);
  return absl::InternalError(text);
}

absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

rocksdb::Options MakeOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_total_wal_size = kMaxLogBytes;
  options.avoid_flush_during_recovery = true;
  options.max_bgerror_resume_count = 0;  // Its own resume aborts the process on a full disk.
  options.max_background_jobs = 1;
  options.max_open_files = 64;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  return options;
}

class RocksStore final : public Store {
 public:
  RocksStore(std::string path, StoreOptions options, std::unique_ptr<rocksdb::DB> db, bool recovered)
      : path_(std::move(path)), options_(std::move(options)), db_(std::move(db)), recovered_(recovered) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    std::string value;
    const rocksdb::Status status = db_->Get({}, rocksdb::Slice(key.data(), key.size()), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return FromRocks(status);
    return value;
  }

  absl::Status Apply(const std::vector<Write>& writes, bool sync) override {
    const auto free = options_.free_bytes(path_);
    if (!free.ok()) return free.status();
    if (*free < options_.min_free_bytes) {
      return absl::ResourceExhaustedError(fmt::format(
          "disk of {} is full: {} MiB free, {} MiB needed before anything is written",
          path_,
          *free >> 20,
          options_.min_free_bytes >> 20));
    }
    rocksdb::WriteBatch batch;
    for (const Write& write : writes) {
      if (write.value.has_value()) {
        batch.Put(write.key, *write.value);
      } else {
        batch.Delete(write.key);
      }
    }
    rocksdb::WriteOptions how;
    how.sync = sync;
    return FromRocks(db_->Write(how, &batch));
  }

  absl::Status Scan(std::string_view from,
                    std::string_view to,
                    const std::function<bool(std::string_view, std::string_view)>& visit) override {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
    for (at->Seek(rocksdb::Slice(from.data(), from.size())); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
      if (key >= to) break;
      if (!visit(key, at->value().ToStringView())) break;
    }
    return FromRocks(at->status());
  }

  bool recovered() const override { return recovered_; }

 private:
  std::string path_;
  StoreOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  bool recovered_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, StoreOptions options) {
  if (!options.free_bytes) options.free_bytes = &FreeBytes;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
  ::chmod(path.c_str(), 0700);
  const auto free = options.free_bytes(path);
  if (!free.ok()) return free.status();
  if (*free < options.min_free_bytes) {
    return absl::ResourceExhaustedError(fmt::format("disk of {} is full: {} MiB free", path, *free >> 20));
  }

  rocksdb::DB* raw = nullptr;
  bool recovered = false;
  rocksdb::Status status = rocksdb::DB::Open(MakeOptions(), path, &raw);
  // A file that the database names and that is gone is corruption too.
  if (status.IsCorruption() || status.IsPathNotFound()) {
    // What is lost here is fetched again from the backend or from the folder; keep the evidence.
    std::filesystem::rename(path, fmt::format("{}.corrupt-{}", path, std::time(nullptr)), error);
    if (error) return absl::DataLossError(fmt::format("{} is corrupt: {}", path, status.ToString()));
    std::filesystem::create_directories(path, error);
    status = rocksdb::DB::Open(MakeOptions(), path, &raw);
    recovered = true;
  }
  if (!status.ok()) return FromRocks(status);
  return std::make_unique<RocksStore>(path, std::move(options), std::unique_ptr<rocksdb::DB>(raw), recovered);
}

}  // namespace tentacle::store
