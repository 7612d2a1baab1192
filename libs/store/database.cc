#include "libs/store/database.h"

#include <fmt/format.h>

#include <cstdarg>
#include <utility>

#include "libs/store/log_check.h"

namespace tentacle::store {

namespace {

// Small buffers, so that a recovery after a crash on a full disk needs little room.
constexpr std::size_t kWriteBufferBytes = 1 << 20;
constexpr std::uint64_t kMaxLogBytes = 4 << 20;
constexpr std::uint64_t kMaxManifestBytes = 1 << 20;
constexpr int kMaxOpenFiles = 64;
// Of each file that is being written, of which there are always three. By default a buffer grows to
// 1 MiB; a log is written record by record all the same.
constexpr std::size_t kFileBufferBytes = 64 << 10;

// RocksDB's own log file is what aborts the process on a full disk: its writer fails an assertion
// at the second line after one that found no space. What goes wrong is in the statuses.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;

  void Logv(const char*, va_list) override {}
};

rocksdb::Options MakeOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_total_wal_size = kMaxLogBytes;
  options.max_manifest_file_size = kMaxManifestBytes;
  options.writable_file_max_buffer_size = kFileBufferBytes;
  options.avoid_flush_during_recovery = true;
  options.avoid_flush_during_shutdown = true;
  // A torn last record is what a crash leaves; it was never acknowledged. Damage before it is told,
  // where kPointInTimeRecovery, the default, would silently forget what was acknowledged after it:
  // an event log that goes back would number new events like old ones, which the backend drops.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_bgerror_resume_count = 0;  // Its own resume aborts the process on a full disk.
  options.max_background_jobs = 1;
  options.max_open_files = kMaxOpenFiles;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

}  // namespace

Database::Database(std::string path, const std::shared_ptr<rocksdb::FileSystem>& files)
    : path_(std::move(path)),
      files_(std::make_shared<FullDiskFiles>(files == nullptr ? rocksdb::FileSystem::Default()
                                                              : files)),
      env_(rocksdb::NewCompositeEnv(files_)) {}

absl::Status Database::FromRocks(const rocksdb::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const std::string text = fmt::format("{}: {}", path_, status.ToString());
  // A file that the database names and that is gone is damage too.
  if (status.IsCorruption() || status.IsPathNotFound()) return absl::DataLossError(text);
  if (files_->was_full() || status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

absl::Status Database::CheckLogs() const {
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = env_->LockFile(path_ + "/LOCK", &lock);
  if (!locked.ok()) return FromRocks(locked);
  absl::Status status = CheckLogFiles(path_);
  env_->UnlockFile(lock).PermitUncheckedError();
  return status;
}

absl::Status Database::Open() {
  files_->reset();
  if (absl::Status status = CheckLogs(); !status.ok()) return status;
  rocksdb::DB* raw = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(MakeOptions(env_.get()), path_, &raw);
  db_.reset(raw);
  // RocksDB reads a table's blocks when they are asked for; damage is to be known now.
  if (status.ok()) status = db_->VerifyChecksum();
  if (!status.ok()) db_.reset();
  return FromRocks(status);
}

void Database::Close() {
  db_.reset();
}

absl::Status Database::Reopen() {
  Close();
  if (absl::Status status = Open(); !status.ok()) return status;
  absl::Status status = FromRocks(db_->Flush({}));
  if (!status.ok()) Close();
  return status;
}

}  // namespace tentacle::store
