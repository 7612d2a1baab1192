#include "libs/net/certificate_pin.h"

#include <fmt/format.h>

#include <array>
#include <set>

#include <absl/strings/escaping.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

namespace tentacle::net {

std::string PinOf(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return "";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::Status CheckPinSet(const std::vector<std::string>& pins) {
  for (const std::string& pin : pins) {
    std::string digest;
    if (absl::Base64Unescape(pin, &digest) && digest.size() == SHA256_DIGEST_LENGTH) continue;
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is no pin: want the base64 of a SHA-256, 44 characters", pin));
  }
  // The same pin twice is still one key.
  if (std::set<std::string>(pins.begin(), pins.end()).size() == 1) {
    return absl::InvalidArgumentError(
        "a single pin locks this tentacle out when the key changes: give a backup pin too");
  }
  return absl::OkStatus();
}

}  // namespace tentacle::net
