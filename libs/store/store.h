// A RocksDB that refuses to write before the disk is full. Debian's RocksDB aborts the process when its
// log cannot be appended, so the free space is asked for before each write (docs/libraries.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace tentacle::store {

struct StoreOptions {
  // Below this much free space writes are refused with ResourceExhausted.
  std::uint64_t min_free_bytes = 32ull << 20;
  // Asked instead of statvfs(2) in tests: free bytes of the folder.
  std::function<absl::StatusOr<std::uint64_t>(const std::string&)> free_bytes;
};

struct Write {
  std::string key;
  std::optional<std::string> value;  // Empty: delete the key.
};

// Blocking; thread safe.
class Store {
 public:
  // Creates the folder. Unavailable while another process holds it. A corrupt one is renamed to
  // <path>.corrupt-<seconds> and an empty one opened in its place; recovered() tells.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path, StoreOptions options = {});
  virtual ~Store() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  // All or nothing; with `sync` it survives a power cut, without it a killed process.
  virtual absl::Status Apply(const std::vector<Write>& writes, bool sync = true) = 0;
  // Calls `visit` in key order for keys in [from, to) until it returns false.
  virtual absl::Status Scan(std::string_view from, std::string_view to,
                            const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;
  // True when the database was moved aside at opening because it was corrupt.
  virtual bool recovered() const = 0;
};

}  // namespace tentacle::store
