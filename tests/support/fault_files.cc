#include "tests/support/fault_files.h"

#include <unistd.h>

#include <utility>

#include <gtest/gtest.h>

namespace tentacle::testing {

namespace {

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus Failure(FaultFiles::Fault fault) {
  if (fault != FaultFiles::Fault::kNoSpace) return IOStatus::IOError("injected");
  IOStatus status = IOStatus::NoSpace("injected");
  status.SetRetryable(true);  // As the POSIX file system says it.
  return status;
}

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<FSWritableFile> file, FaultFiles& files, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    FaultFiles::Fault fault{};
    if (!files_.Hit(FaultFiles::Call::kAppend, fault)) {
      written_ += data.size();
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    if (fault == FaultFiles::Fault::kHalfWritten) {
      const Slice half(data.data(), data.size() / 2);
      written_ += half.size();
      const IOStatus ignored = FSWritableFileOwnerWrapper::Append(half, options, debug);
      ignored.PermitUncheckedError();
    }
    return Failure(fault);
  }

  IOStatus Append(const Slice& data,
                  const IOOptions& options,
                  const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    FaultFiles::Fault fault{};
    if (files_.Hit(FaultFiles::Call::kSync, fault)) return Failure(fault);
    files_.Synced(path_, written_);
    // What a power cut takes is decided by the table of synced bytes, not by the disk.
    return FSWritableFileOwnerWrapper::Flush(options, debug);
  }

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  FaultFiles& files_;
  std::string path_;
  std::uint64_t written_ = 0;
};

}  // namespace

void FaultFiles::FailFrom(Call call, Fault fault, long nth, long times) {
  const std::lock_guard lock(mutex_);
  call_ = call;
  fault_ = fault;
  from_ = nth;
  until_ = nth + times;
  seen_ = 0;
  failed_ = false;
}

void FaultFiles::Heal() {
  const std::lock_guard lock(mutex_);
  from_ = 0;
}

bool FaultFiles::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

bool FaultFiles::Hit(Call call, Fault& fault) {
  const std::lock_guard lock(mutex_);
  if (from_ == 0 || call != call_) return false;
  ++seen_;
  if (seen_ < from_ || seen_ >= until_) return false;
  failed_ = true;
  fault = fault_;
  return true;
}

void FaultFiles::Synced(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  synced_[path] = bytes;
}

void FaultFiles::LosePower() {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, bytes] : synced_) {
    if (::access(path.c_str(), F_OK) != 0) continue;
    EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(bytes)), 0) << path;
  }
}

IOStatus FaultFiles::NewWritableFile(const std::string& path,
                                     const rocksdb::FileOptions& options,
                                     std::unique_ptr<FSWritableFile>* file,
                                     IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  Synced(path, 0);
  *file = std::make_unique<File>(std::move(*file), *this, path);
  return status;
}

IOStatus FaultFiles::RenameFile(const std::string& from,
                                const std::string& to,
                                const IOOptions& options,
                                IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  const std::lock_guard lock(mutex_);
  if (const auto found = synced_.find(from); status.ok() && found != synced_.end()) {
    synced_[to] = found->second;
    synced_.erase(found);
  }
  return status;
}

IOStatus FaultFiles::DeleteFile(const std::string& path,
                                const IOOptions& options,
                                IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  synced_.erase(path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

}  // namespace tentacle::testing
