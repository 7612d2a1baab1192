#include "libs/identity/signed_release.h"

namespace tentacle::identity {

namespace {

std::string SignedBytes(ReleaseText kind, std::string_view text) {
  std::string bytes = kind == ReleaseText::kSigningKeys ? "octofleet release keys v1\n"
                                                        : "octofleet release manifest v1\n";
  bytes += text;
  return bytes;
}

}  // namespace

std::string SignRelease(const IdentityKey& key, ReleaseText kind, std::string_view text) {
  return Base64Encode(key.Sign(SignedBytes(kind, text)));
}

bool IsReleaseSignedBy(std::string_view public_key_base64,
                       ReleaseText kind,
                       std::string_view text,
                       std::string_view signature_base64) {
  const auto signature = Base64Decode(signature_base64);
  return signature.ok() && VerifySignature(public_key_base64, SignedBytes(kind, text), *signature);
}

}  // namespace tentacle::identity
