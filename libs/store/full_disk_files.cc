#include "libs/store/full_disk_files.h"

#include <cstdint>
#include <utility>

namespace tentacle::store {

namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<FSWritableFile> file, FullDiskFiles& files)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Append(data, options, debug));
  }

  IOStatus Append(const Slice& data,
                  const IOOptions& options,
                  const DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Append(data, options, info, debug));
  }

  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Truncate(size, options, debug));
  }

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Close(options, debug));
  }

  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Flush(options, debug));
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Sync(options, debug));
  }

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

  IOStatus RangeSync(std::uint64_t offset,
                     std::uint64_t size,
                     const IOOptions& options,
                     IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::RangeSync(offset, size, options, debug));
  }

  IOStatus Allocate(std::uint64_t offset,
                    std::uint64_t size,
                    const IOOptions& options,
                    IODebugContext* debug) override {
    return files_.Plain(FSWritableFileOwnerWrapper::Allocate(offset, size, options, debug));
  }

 private:
  FullDiskFiles& files_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<FSDirectory> directory, FullDiskFiles& files)
      : FSDirectoryWrapper(std::move(directory)), files_(files) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.Plain(FSDirectoryWrapper::Fsync(options, debug));
  }

  IOStatus FsyncWithDirOptions(const IOOptions& options,
                               IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return files_.Plain(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how));
  }

 private:
  FullDiskFiles& files_;
};

}  // namespace

IOStatus FullDiskFiles::Plain(IOStatus status) {
  if (status.ok()) return status;
  if (status.IsNoSpace()) full_ = true;
  if (!status.IsNoSpace() && !status.GetRetryable()) return status;
  // Neither "no space" nor "retryable": both make RocksDB recover in a thread of its own.
  return IOStatus::IOError(status.getState() == nullptr ? "no space" : status.getState());
}

IOStatus FullDiskFiles::NewWritableFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<FSWritableFile>* file,
                                        IODebugContext* debug) {
  IOStatus status = Plain(FileSystemWrapper::NewWritableFile(path, options, file, debug));
  if (status.ok()) *file = std::make_unique<File>(std::move(*file), *this);
  return status;
}

IOStatus FullDiskFiles::ReopenWritableFile(const std::string& path,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<FSWritableFile>* file,
                                           IODebugContext* debug) {
  IOStatus status = Plain(FileSystemWrapper::ReopenWritableFile(path, options, file, debug));
  if (status.ok()) *file = std::make_unique<File>(std::move(*file), *this);
  return status;
}

IOStatus FullDiskFiles::NewDirectory(const std::string& path,
                                     const IOOptions& options,
                                     std::unique_ptr<FSDirectory>* directory,
                                     IODebugContext* debug) {
  IOStatus status = Plain(FileSystemWrapper::NewDirectory(path, options, directory, debug));
  if (status.ok()) *directory = std::make_unique<Directory>(std::move(*directory), *this);
  return status;
}

IOStatus FullDiskFiles::RenameFile(const std::string& from,
                                   const std::string& to,
                                   const IOOptions& options,
                                   IODebugContext* debug) {
  return Plain(FileSystemWrapper::RenameFile(from, to, options, debug));
}

}  // namespace tentacle::store
