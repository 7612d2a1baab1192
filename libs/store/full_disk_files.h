// The machine's file system, for RocksDB: a full disk is told as a plain failure.
//
// RocksDB takes "no space" for an invitation to wait for space and to recover by itself, and in
// Debian's build that recovery ends in a failed assertion. A plain failure stops the database, and
// the Store opens it anew when there is space.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <rocksdb/file_system.h>

namespace tentacle::store {

class FullDiskFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit FullDiskFiles(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}

  const char* Name() const override { return "FullDiskFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path,
                                    const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path,
                                       const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from,
                               const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // `status`, or a plain failure in its place; remembers that the disk was full.
  rocksdb::IOStatus Plain(rocksdb::IOStatus status);

  // True when any write since the last reset() found no space.
  bool was_full() const { return full_; }

  void reset() { full_ = false; }

 private:
  std::atomic<bool> full_ = false;
};

}  // namespace tentacle::store
