// A release that was offered -> the manifest to install, or the named reason why not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "libs/backend_link/release.h"

namespace tentacle::agent {

enum class UpdateRefusal {
  kNone,
  kNoRootKeys,        // Nobody is trusted here.
  kKeysBadSignature,  // The list of signing keys is signed by none of the pinned root keys.
  kKeysMalformed,
  kKeysExpired,
  kSignedByRoot,  // Root keys stay offline; one that signs manifests was stolen or misused.
  kBadSignature,  // Signed by none of the listed keys.
  kMalformed,
  kWrongProduct,
  kWrongArch,
  kNotYetValid,
  kExpired,
  kStale,  // Freeze: old metadata that somebody holds on to.
  kTooLarge,
  kAbsurdVersion,  // Fast-forward: no later release could be installed any more.
  kAlreadyInstalled,
  kRollback,
};

std::string_view Name(UpdateRefusal refusal);

struct UpdateSetting {
  std::vector<std::string> root_keys;  // Pinned on this host; raw Ed25519, base64.
  std::string arch;                    // "x86_64"
  // The release that is installed; 0: it came without a manifest. A version counts only under the
  // root keys it was installed under: after a fast-forward they are changed, and normal releases
  // install again.
  std::uint64_t installed_version = 0;
};

struct UpdateVerdict {
  UpdateRefusal refusal = UpdateRefusal::kNone;
  std::string reason;                      // A sentence; empty when it is to be installed.
  backend_link::ReleaseManifest manifest;  // When it is.

  bool accepted() const { return refusal == UpdateRefusal::kNone; }
};

UpdateVerdict JudgeUpdate(const backend_link::ReleaseOffer& offer,
                          const UpdateSetting& setting,
                          absl::Time now);

// Names a set of root keys, in whatever order they are written.
std::string RootKeysId(std::vector<std::string> root_keys);

}  // namespace tentacle::agent
