// A RocksDB that refuses to write before the disk is full, mends itself after an I/O error and
// never opens what is damaged (docs/libraries.md says what of it Debian's RocksDB cannot do by
// itself).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace rocksdb {
class FileSystem;
}

namespace tentacle::store {

struct Write {
  std::string key;
  std::optional<std::string> value;  // Empty: delete the key.
};

class Store;

// What the keys of a store mean to the program that opens it.
struct StoreFormat {
  // A store of a higher version is refused with FailedPrecondition, a lower one is brought up.
  std::uint32_t version = 1;
  // The changes that make a store of version `from` one of `from + 1`; they are applied together
  // with the new version number, all or nothing. Needed only when `version` is above 1.
  std::function<absl::StatusOr<std::vector<Write>>(Store& store, std::uint32_t from)> migrate;
};

struct StoreOptions {
  // Below this much free space writes are refused with ResourceExhausted; below a quarter of it the
  // store is not even opened, for a recovery writes too.
  std::uint64_t min_free_bytes = 32ull << 20;
  // After an I/O error the database is closed and opened again, at most this often.
  std::chrono::milliseconds reopen_delay{1000};
  StoreFormat format;
  // Asked instead of statvfs(2) in tests: free bytes of the folder.
  std::function<absl::StatusOr<std::uint64_t>(const std::string&)> free_bytes;
  // Used instead of the machine's in tests.
  std::shared_ptr<rocksdb::FileSystem> files;
};

// Whether the store takes writes, and in one sentence why not.
struct StoreCondition {
  bool ok = true;
  std::string detail;
  // What is on the disk is damaged: only a new start, which moves it aside, helps.
  bool needs_restart = false;
};

// Since the start.
struct StoreCounts {
  std::uint64_t refused_full = 0;    // Writes refused because the disk is (nearly) full.
  std::uint64_t refused_broken = 0;  // Writes refused between an I/O error and the reopening.
  std::uint64_t failed = 0;          // Writes that the disk failed.
  std::uint64_t reopened = 0;        // Times the store mended itself.
};

// Blocking; thread safe.
class Store {
 public:
  // Creates the folder. Unavailable while another process holds it; FailedPrecondition when a newer
  // program wrote it; ResourceExhausted on a full disk. A damaged one is renamed to corrupt-<date>
  // beside it and an empty one opened in its place; recovered() tells.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path,
                                                     StoreOptions options = {});
  virtual ~Store() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  // All or nothing; with `sync` it survives a power cut, without it a killed process.
  // ResourceExhausted: the disk is full. Unavailable: it failed; whether the write will be there
  // after the store has mended itself is not known, but it is not acknowledged.
  virtual absl::Status Apply(const std::vector<Write>& writes, bool sync = true) = 0;
  // Calls `visit` in key order for keys in [from, to) until it returns false. `visit` must not call
  // the store: it holds it open.
  virtual absl::Status Scan(
      std::string_view from,
      std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;

  // Looks at the disk and mends what is broken, if it can be.
  virtual StoreCondition Check() { return {}; }

  virtual StoreCounts counts() const { return {}; }

  // True when the database was moved aside at opening because it was damaged.
  virtual bool recovered() const = 0;

  // Where it was moved to, and what was found.
  virtual std::string recovered_from() const { return ""; }

  virtual std::string recovery_reason() const { return ""; }
};

}  // namespace tentacle::store
