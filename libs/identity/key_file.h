// A key that a program makes for itself when it first needs one.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "libs/identity/identity.h"

namespace tentacle::identity {

// The key of that file, made and saved when there is none. Other errors: as IdentityKey::Load() and
// Save(). Blocking.
absl::StatusOr<IdentityKey> LoadOrMakeKey(const std::string& path);

}  // namespace tentacle::identity
