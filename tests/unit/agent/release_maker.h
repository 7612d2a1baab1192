// Releases as their makers sign them, for tests: two root keys, a list of signing keys, a manifest.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libs/backend_link/release.h"
#include "libs/identity/signed_release.h"
#include "services/agent/core/update_plan.h"

namespace tentacle::agent::testing {

struct ReleaseMaker {
  explicit ReleaseMaker(absl::Time now) {
    keys.product = backend_link::kReleaseProduct;
    keys.keys = {signing.PublicKeyBase64()};
    keys.created = now - absl::Hours(24);
    keys.expires = now + absl::Hours(24 * 365);
    manifest.product = backend_link::kReleaseProduct;
    manifest.release_id = "2026.11.2";
    manifest.version = 12;
    manifest.arch = "x86_64";
    manifest.size_bytes = 1000;
    manifest.sha256 = std::string(64, 'a');
    manifest.created = now - absl::Hours(1);
    manifest.expires = now + absl::Hours(24 * 7);
  }

  std::vector<std::string> Roots() const {
    return {root.PublicKeyBase64(), other_root.PublicKeyBase64()};
  }

  // What of the two texts is already set is taken as it is.
  backend_link::ReleaseOffer Offer(const std::string& id = "update-1") const {
    using identity::ReleaseText;
    backend_link::ReleaseOffer offer;
    offer.id = id;
    offer.image_id = "4";
    offer.keys = SigningKeysText(keys);
    offer.keys_signature = identity::SignRelease(root, ReleaseText::kSigningKeys, offer.keys);
    offer.manifest = ManifestText(manifest);
    offer.manifest_signature =
        identity::SignRelease(signing, ReleaseText::kManifest, offer.manifest);
    return offer;
  }

  identity::IdentityKey root = *identity::IdentityKey::Generate();
  identity::IdentityKey other_root = *identity::IdentityKey::Generate();
  identity::IdentityKey signing = *identity::IdentityKey::Generate();
  backend_link::SigningKeys keys;
  backend_link::ReleaseManifest manifest;
};

}  // namespace tentacle::agent::testing
