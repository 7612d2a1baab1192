#include "libs/backend_link/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/backend_link/job.h"
#include "libs/backend_link/messages.h"

namespace tentacle::backend_link {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kKeyBase64Bytes = 44;
constexpr std::size_t kSignatureBase64Bytes = 88;

absl::Status Wrong(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, what));
}

// Fields of one object; the first that is missing or wrong is remembered.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string Text(const char* name, std::size_t max) {
    const auto* value = object_.if_contains(name);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr || text->empty()) return Miss<std::string>(name, "is missing");
    if (text->size() > max) return Miss<std::string>(name, "is too long");
    return std::string(*text);
  }

  // Printable ASCII.
  std::string Name(const char* name) {
    std::string text = Text(name, kMaxNameBytes);
    const bool clean =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
    return clean ? text : Miss<std::string>(name, "want letters, digits and signs");
  }

  // A whole number that is written as one.
  std::uint64_t Number(const char* name) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !(value->is_int64() || value->is_uint64())) {
      return Miss<std::uint64_t>(name, "want a whole number");
    }
    json::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    return error ? Miss<std::uint64_t>(name, "want a whole number") : number;
  }

  absl::Time Time(const char* name) {
    absl::Time time;
    std::string why;
    const std::string text = Text(name, kMaxNameBytes);
    if (absl::ParseTime(absl::RFC3339_full, text, &time, &why)) return time;
    return Miss<absl::Time>(name, "is no time");
  }

  bool Flag(const char* name) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr) return false;
    return value->is_bool() ? value->get_bool() : Miss<bool>(name, "want true or false");
  }

  template <class Value>
  Value Miss(std::string_view name, std::string_view what) {
    if (status_.ok()) status_ = Wrong(name, what);
    return {};
  }

  const absl::Status& status() const { return status_; }

 private:
  const json::object& object_;
  absl::Status status_;
};

absl::StatusOr<json::object> ParseObject(std::string_view text, std::string_view what) {
  if (text.size() > kMaxReleaseTextBytes) return Wrong(what, "is too long");
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  auto value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return Wrong(what, "not a JSON object");
  return std::move(value.get_object());
}

// Inlined, g++ 12 concludes from the length that so many digits are moved within a string's own 16
// octets, and warns.
[[gnu::noinline]] bool IsSha256(std::string_view text) {
  return text.size() == kSha256Digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<SigningKeys> ParseSigningKeys(std::string_view text) {
  const auto object = ParseObject(text, "signing keys");
  if (!object.ok()) return object.status();
  Reader read(*object);
  SigningKeys keys;
  keys.product = read.Name("product");
  keys.created = read.Time("created");
  keys.expires = read.Time("expires");
  if (!read.status().ok()) return read.status();
  const auto* list = object->if_contains("signingKeys");
  if (list == nullptr || !list->is_array()) return Wrong("signingKeys", "want a list");
  if (list->get_array().empty() || list->get_array().size() > kMaxSigningKeys) {
    return Wrong("signingKeys", "want 1 to 8 keys");
  }
  for (const auto& key : list->get_array()) {
    if (!key.is_string() || key.get_string().size() != kKeyBase64Bytes) {
      return Wrong("signingKeys", "want raw Ed25519 keys in base64");
    }
    keys.keys.emplace_back(key.get_string());
  }
  return keys;
}

absl::StatusOr<ReleaseManifest> ParseManifest(std::string_view text) {
  const auto object = ParseObject(text, "manifest");
  if (!object.ok()) return object.status();
  Reader read(*object);
  ReleaseManifest manifest;
  manifest.product = read.Name("product");
  manifest.release_id = read.Name("releaseId");
  manifest.version = read.Number("version");
  manifest.arch = read.Name("arch");
  manifest.size_bytes = read.Number("sizeBytes");
  manifest.sha256 = read.Text("sha256", kSha256Digits);
  manifest.created = read.Time("created");
  manifest.expires = read.Time("expires");
  manifest.allow_downgrade = read.Flag("allowDowngrade");
  if (!read.status().ok()) return read.status();
  if (manifest.version == 0) return Wrong("version", "want a number from 1 on");
  if (manifest.size_bytes == 0) return Wrong("sizeBytes", "want a number from 1 on");
  if (!IsSha256(manifest.sha256)) return Wrong("sha256", "want 64 digits of hex");
  return manifest;
}

absl::StatusOr<ReleaseOffer> ParseReleaseOffer(const json::object& object) {
  Reader read(object);
  ReleaseOffer offer;
  offer.id = read.Name("id");
  offer.image_id = read.Name("imageId");
  offer.keys = read.Text("keys", kMaxReleaseTextBytes);
  offer.keys_signature = read.Text("keysSignature", kSignatureBase64Bytes);
  offer.manifest = read.Text("manifest", kMaxReleaseTextBytes);
  offer.manifest_signature = read.Text("manifestSignature", kSignatureBase64Bytes);
  if (!read.status().ok()) return read.status();
  // Both become part of a path or a URL.
  if (!IsJobId(offer.id)) return Wrong("id", "want letters and digits");
  if (!IsJobId(offer.image_id)) return Wrong("imageId", "want letters and digits");
  return offer;
}

std::string SigningKeysText(const SigningKeys& keys) {
  json::array list;
  for (const std::string& key : keys.keys)
    list.emplace_back(key);
  return json::serialize(json::object{{"product", keys.product},
                                      {"signingKeys", std::move(list)},
                                      {"created", Rfc3339(keys.created)},
                                      {"expires", Rfc3339(keys.expires)}});
}

std::string ManifestText(const ReleaseManifest& manifest) {
  json::object object{
      {"product", manifest.product},          {"releaseId", manifest.release_id},
      {"version", manifest.version},          {"arch", manifest.arch},
      {"sizeBytes", manifest.size_bytes},     {"sha256", manifest.sha256},
      {"created", Rfc3339(manifest.created)}, {"expires", Rfc3339(manifest.expires)}};
  if (manifest.allow_downgrade) object["allowDowngrade"] = true;
  return json::serialize(object);
}

json::object ReleaseOfferJson(const ReleaseOffer& offer) {
  return {{"id", offer.id},
          {"imageId", offer.image_id},
          {"keys", offer.keys},
          {"keysSignature", offer.keys_signature},
          {"manifest", offer.manifest},
          {"manifestSignature", offer.manifest_signature}};
}

}  // namespace tentacle::backend_link
