// A release as it comes from the backend: accepted only if OpenSSL says so, asked here once more
// and without the code that decides.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "libs/identity/identity.h"
#include "libs/runtime/check.h"
#include "services/agent/core/update_plan.h"
#include "services/agent/core/update_state.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);             // 2027-01-15
constexpr char kRoot[] = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";  // make_update_corpus.py

bool OpenSslSays(std::string_view key_base64,
                 const std::string& message,
                 std::string_view signature_base64) {
  const auto raw = identity::Base64Decode(key_base64);
  const auto signature = identity::Base64Decode(signature_base64);
  if (!raw.ok() || !signature.ok()) return false;
  const auto* octets = reinterpret_cast<const unsigned char*>(raw->data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets, raw->size()), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  return key != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()),
                          signature->size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

void CheckOffer(const backend_link::ReleaseOffer& offer) {
  const agent::UpdateSetting setting{{kRoot}, "x86_64", 11};
  const auto verdict = agent::JudgeUpdate(offer, setting, kNow);
  TENTACLE_CHECK(verdict.accepted() == verdict.reason.empty());
  if (!verdict.accepted()) return;
  TENTACLE_CHECK(
      OpenSslSays(kRoot, "octofleet release keys v1\n" + offer.keys, offer.keys_signature));
  const std::string message = "octofleet release manifest v1\n" + offer.manifest;
  const auto keys = backend_link::ParseSigningKeys(offer.keys);
  TENTACLE_CHECK(keys.ok());
  bool listed = false;
  for (const std::string& key : keys->keys)
    listed = listed || OpenSslSays(key, message, offer.manifest_signature);
  TENTACLE_CHECK(listed && !OpenSslSays(kRoot, message, offer.manifest_signature));
  TENTACLE_CHECK(verdict.manifest.version > 11 || verdict.manifest.allow_downgrade);
}

// Texts as if they were signed: what is read is read again the same.
void CheckTexts(const backend_link::ReleaseOffer& offer) {
  if (const auto manifest = backend_link::ParseManifest(offer.manifest); manifest.ok()) {
    const std::string text = backend_link::ManifestText(*manifest);
    const auto again = backend_link::ParseManifest(text);
    TENTACLE_CHECK(!again.ok() || backend_link::ManifestText(*again) == text);
    TENTACLE_CHECK(manifest->version > 0 && manifest->sha256.size() == 64);
  }
  if (const auto keys = backend_link::ParseSigningKeys(offer.keys); keys.ok()) {
    TENTACLE_CHECK(!keys->keys.empty() && keys->keys.size() <= backend_link::kMaxSigningKeys);
  }
  if (const auto record = agent::ParseUpdate(offer.manifest); record.ok()) {
    const auto links = agent::LinksOf(*record);
    TENTACLE_CHECK(links.current == "a" || links.current == "b");
    TENTACLE_CHECK(links.committed == "a" || links.committed == "b");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 4> lines;
  for (std::string& line : lines) {
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const backend_link::ReleaseOffer offer{"update-1", "4", lines[0], lines[1], lines[2], lines[3]};
  CheckOffer(offer);
  CheckTexts(offer);
  return 0;
}
