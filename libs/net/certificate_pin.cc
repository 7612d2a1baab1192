#include "libs/net/certificate_pin.h"

#include <algorithm>
#include <array>
#include <memory>

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace tentacle::net {

absl::Status CheckPin(const SSL* connection, const std::vector<std::string>& pins) {
  if (pins.empty()) return absl::OkStatus();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(connection), &X509_free);
  if (certificate == nullptr) return absl::UnauthenticatedError("the backend showed no certificate to pin");
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) return absl::UnauthenticatedError("the backend's public key cannot be read");
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  const std::string seen =
      absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  if (std::find(pins.begin(), pins.end(), seen) != pins.end()) return absl::OkStatus();
  return absl::UnauthenticatedError(fmt::format("the backend's key has pin {}, which is none of the accepted", seen));
}

}  // namespace tentacle::net
