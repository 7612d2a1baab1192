// Secrets at rest: who has a copy of the database or of the disk, and not the key file, has nothing
// of them.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "libs/identity/identity.h"

namespace tentacle::identity {

// AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a nonce of 96 random bits for each text.
// Thread safe.
class Sealer {
 public:
  // The key is derived from `key` and is another one for each purpose, such as "tasks at rest".
  Sealer(const IdentityKey& key, std::string_view purpose);

  // Bytes, of which the first is 0: no text and no protobuf message begins so. `place` says where
  // they lie ("task/52:54:00:00:00:01"); they can be opened as what lies there alone.
  std::string Seal(std::string_view plain, std::string_view place) const;
  // DataLoss: sealed with another key or for another place, changed since, or not sealed.
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view place) const;

  static bool IsSealed(std::string_view bytes) { return !bytes.empty() && bytes.front() == '\0'; }

 private:
  std::string key_;
};

}  // namespace tentacle::identity
