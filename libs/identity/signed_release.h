// Releases: what says which executable a tentacle may install. Two levels: root keys, which are
// kept offline, sign the list of signing keys; a signing key signs manifests.
#pragma once

#include <string>
#include <string_view>

#include "libs/identity/identity.h"

namespace tentacle::identity {

// A signature over one is never one over the other.
enum class ReleaseText { kSigningKeys, kManifest };

// Base64 of the Ed25519 signature over a prefix that names the kind, and the text octet by octet.
std::string SignRelease(const IdentityKey& key, ReleaseText kind, std::string_view text);

bool IsReleaseSignedBy(std::string_view public_key_base64,
                       ReleaseText kind,
                       std::string_view text,
                       std::string_view signature_base64);

}  // namespace tentacle::identity
