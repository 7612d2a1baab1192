// The texts of a release (docs/protocol.md section 3.3): the list of signing keys, the manifest,
// and the order that carries both to a tentacle. Pure; signatures are libs/identity's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/json/object.hpp>

namespace tentacle::backend_link {

constexpr std::string_view kReleaseProduct = "octofleet-tentacle";
// A manifest has 400 octets, a list of eight keys 700.
constexpr std::size_t kMaxReleaseTextBytes = 8 * 1024;
constexpr std::size_t kMaxSigningKeys = 8;
// Room for 2026112601, a date and a number.
constexpr std::uint64_t kMaxReleaseVersion = 9'999'999'999;

struct SigningKeys {
  std::string product;
  std::vector<std::string> keys;  // Raw Ed25519, base64.
  absl::Time created;
  absl::Time expires;
};

struct ReleaseManifest {
  std::string product;
  std::string release_id;     // For people: "2026.11.2".
  std::uint64_t version = 0;  // Each release has a greater one than those before.
  std::string arch;
  std::uint64_t size_bytes = 0;
  std::string sha256;  // Of the executable; hex.
  absl::Time created;
  absl::Time expires;
  bool allow_downgrade = false;  // May replace a release with a greater version.
};

// A release on its way to one tentacle.
struct ReleaseOffer {
  std::string id;        // The backend's, "update-7".
  std::string image_id;  // Where the executable comes from.
  std::string keys, keys_signature;
  std::string manifest, manifest_signature;
};

// InvalidArgument names the field that is missing or wrong. Of a text whose signature was not
// looked at nothing else may be believed.
absl::StatusOr<SigningKeys> ParseSigningKeys(std::string_view text);
absl::StatusOr<ReleaseManifest> ParseManifest(std::string_view text);
absl::StatusOr<ReleaseOffer> ParseReleaseOffer(const boost::json::object& object);

// The same as text, to be signed as it stands.
std::string SigningKeysText(const SigningKeys& keys);
std::string ManifestText(const ReleaseManifest& manifest);
boost::json::object ReleaseOfferJson(const ReleaseOffer& offer);

}  // namespace tentacle::backend_link
