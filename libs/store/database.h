// RocksDB as the Store opens it: its options, its errors in our terms, one opening with all checks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "libs/store/full_disk_files.h"

namespace tentacle::store {

// An open database, or none. Not thread safe itself.
class Database {
 public:
  Database(std::string path, const std::shared_ptr<rocksdb::FileSystem>& files);

  // DataLoss when anything on the disk is damaged; Unavailable when another process holds it or the
  // disk fails; ResourceExhausted when it is full.
  absl::Status Open();
  void Close();
  // Opens again after a failure. What the failed log holds is written to a table at once: a later
  // recovery must not depend on a log whose end nobody knows.
  absl::Status Reopen();

  rocksdb::DB* get() const { return db_.get(); }

  absl::Status FromRocks(const rocksdb::Status& status) const;

 private:
  // Takes the lock for the time of reading: the files must not be those of a living process.
  absl::Status CheckLogs() const;

  std::string path_;
  std::shared_ptr<FullDiskFiles> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace tentacle::store
