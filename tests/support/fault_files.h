// A file system for RocksDB that fails when told to, and that can lose what was not synced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/file_system.h>

namespace tentacle::testing {

class FaultFiles : public rocksdb::FileSystemWrapper {
 public:
  enum class Call { kAppend, kSync };
  enum class Fault {
    kBroken,       // EIO.
    kNoSpace,      // ENOSPC.
    kHalfWritten,  // EIO, with half of the bytes in the file.
  };

  FaultFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "FaultFiles"; }

  // From the `nth` call on (1 is the next one) `times` calls of that kind fail.
  void FailFrom(Call call, Fault fault, long nth, long times);
  void Heal();

  // True once a planned fault has happened.
  bool failed() const;

  // A power cut: every file is cut to what was synced of it. No database may be open.
  void LosePower();

  rocksdb::IOStatus NewWritableFile(const std::string& path,
                                    const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from,
                               const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // For the files only.
  bool Hit(Call call, Fault& fault);
  void Synced(const std::string& path, std::uint64_t bytes);

 private:
  mutable std::mutex mutex_;
  Call call_ = Call::kAppend;
  Fault fault_ = Fault::kBroken;
  long from_ = 0;  // 0: nothing fails.
  long until_ = 0;
  long seen_ = 0;
  bool failed_ = false;
  std::map<std::string, std::uint64_t> synced_;  // Bytes that survive a power cut, by path.
};

}  // namespace tentacle::testing
