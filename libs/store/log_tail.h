// Tells a torn end of a RocksDB log (a crash; normal) from a damaged one.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace tentacle::store {

// DataLoss when the write-ahead logs or the manifest of the folder end in a record whose length is
// damaged. RocksDB checks the sums of all other records itself; a record that claims to be longer
// than its file it takes for one that a crash has torn, and forgets it and everything after it.
absl::Status CheckLogTails(const std::string& folder);

// The same of the last block of one log; `block` begins at a multiple of 32 KiB in its file.
bool EndsInDamagedLength(const std::string& block);

}  // namespace tentacle::store
