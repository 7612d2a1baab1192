// Damage of RocksDB's logs that RocksDB takes for the end of a log, and reads over in silence. Its
// sums cover what a record holds; of its header they do not cover the length, and the type is
// looked at before the sum is. A torn end is none: a crash leaves one, and it is normal.
#pragma once

#include <filesystem>
#include <string>

#include <absl/status/status.h>

namespace tentacle::store {

// DataLoss when a write-ahead log or the manifest of the folder has a record of a type that is
// never written here (one of a log that was used before: RocksDB forgets it and everything after
// it), or ends in a record whose length is damaged (it claims to be longer than its file, as one
// does that a crash has torn).
absl::Status CheckLogFiles(const std::filesystem::path& folder);

}  // namespace tentacle::store
