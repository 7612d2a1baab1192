#include "libs/identity/key_file.h"

namespace tentacle::identity {

absl::StatusOr<IdentityKey> LoadOrMakeKey(const std::string& path) {
  auto key = IdentityKey::Load(path);
  if (!absl::IsNotFound(key.status())) return key;
  key = IdentityKey::Generate();
  if (!key.ok()) return key.status();
  if (absl::Status saved = key->Save(path); !saved.ok()) return saved;
  return key;
}

}  // namespace tentacle::identity
