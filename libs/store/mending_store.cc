#include "libs/store/mending_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include <rocksdb/write_batch.h>

namespace tentacle::store {

namespace {

using std::chrono::steady_clock;

rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

absl::Status CheckRoom(const std::string& path, const StoreOptions& options, std::uint64_t needed) {
  const auto free = options.free_bytes(path);
  if (!free.ok()) return free.status();
  if (*free >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the disk of {} is full: {} KiB are free, {} KiB are needed before anything is "
                  "written",
                  path, *free >> 10, needed >> 10));
}

MendingStore::MendingStore(std::string path,
                           StoreOptions options,
                           std::unique_ptr<Database> database,
                           Recovery recovery)
    : path_(std::move(path)),
      options_(std::move(options)),
      recovery_(std::move(recovery)),
      database_(std::move(database)) {}

absl::Status MendingStore::Problem() const {
  const std::lock_guard lock(state_);
  return problem_;
}

absl::Status MendingStore::Failed(absl::Status status) {
  const std::lock_guard lock(state_);
  if (damaged_) return status;
  problem_ = status;
  damaged_ = absl::IsDataLoss(status);
  retry_at_ = steady_clock::now() + options_.reopen_delay;
  return status;
}

absl::Status MendingStore::Mend() {
  {
    const std::lock_guard lock(state_);
    if (problem_.ok()) return absl::OkStatus();
    if (damaged_ || steady_clock::now() < retry_at_) return problem_;
  }
  const std::unique_lock alone(use_);
  // Somebody else may have mended it, or failed to, while this one waited.
  if (const absl::Status status = Problem(); status.ok()) return status;
  absl::Status status = CheckRoom(path_, options_, options_.min_free_bytes);
  if (status.ok()) status = database_->Reopen();
  if (!status.ok()) return Failed(std::move(status));
  const std::lock_guard lock(state_);
  problem_ = absl::OkStatus();
  ++counts_.reopened;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> MendingStore::Get(std::string_view key) {
  const std::shared_lock shared(use_);
  if (database_->get() == nullptr) return Problem();
  std::string value;
  const rocksdb::Status status = database_->get()->Get({}, ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return Failed(database_->FromRocks(status));
  return value;
}

absl::Status MendingStore::Apply(const std::vector<Write>& writes, bool sync) {
  rocksdb::WriteBatch batch;
  for (const Write& write : writes) {
    if (write.value.has_value()) {
      batch.Put(write.key, *write.value);
    } else {
      batch.Delete(write.key);
    }
  }
  const std::uint64_t needed = options_.min_free_bytes + batch.GetDataSize();
  if (absl::Status status = CheckRoom(path_, options_, needed); !status.ok()) {
    const std::lock_guard lock(state_);
    ++counts_.refused_full;
    return status;
  }
  if (absl::Status status = Mend(); !status.ok()) {
    const std::lock_guard lock(state_);
    ++counts_.refused_broken;
    return status;
  }
  rocksdb::WriteOptions how;
  how.sync = sync;
  const std::shared_lock shared(use_);
  if (database_->get() == nullptr) return Problem();
  const rocksdb::Status status = database_->get()->Write(how, &batch);
  if (status.ok()) return absl::OkStatus();
  {
    const std::lock_guard lock(state_);
    ++counts_.failed;
  }
  return Failed(database_->FromRocks(status));
}

absl::Status MendingStore::Scan(
    std::string_view from,
    std::string_view to,
    const std::function<bool(std::string_view, std::string_view)>& visit) {
  const std::shared_lock shared(use_);
  if (database_->get() == nullptr) return Problem();
  const std::unique_ptr<rocksdb::Iterator> at(database_->get()->NewIterator({}));
  for (at->Seek(ToSlice(from)); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (key >= to) break;
    if (!visit(key, at->value().ToStringView())) break;
  }
  if (!at->status().ok()) return Failed(database_->FromRocks(at->status()));
  return absl::OkStatus();
}

StoreCondition MendingStore::Check() {
  absl::Status status = Mend();
  if (status.ok()) status = CheckRoom(path_, options_, options_.min_free_bytes);
  StoreCondition condition;
  condition.ok = status.ok();
  condition.detail = std::string(status.message());
  if (status.ok() && recovered()) {
    condition.detail = fmt::format("began empty, because the old one was damaged; it is kept in {}",
                                   recovery_.moved_to);
  }
  const std::lock_guard lock(state_);
  condition.needs_restart = damaged_;
  return condition;
}

StoreCounts MendingStore::counts() const {
  const std::lock_guard lock(state_);
  return counts_;
}

}  // namespace tentacle::store
