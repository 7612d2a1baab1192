// Who a tentacle is: its Ed25519 key (RFC 8032) and the JWTs (RFC 7519, alg EdDSA of RFC 8037) it
// signs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace tentacle::identity {

// The private key. Thread safe. Never printed, never sent.
class IdentityKey {
 public:
  static absl::StatusOr<IdentityKey> Generate();
  // PEM (PKCS #8). NotFound; PermissionDenied when others may read the file; DataLoss when it is no
  // key.
  static absl::StatusOr<IdentityKey> Load(const std::string& path);
  // Mode 0600, atomically, never over an existing file (AlreadyExists).
  absl::Status Save(const std::string& path) const;

  std::string PublicKeyBase64() const;               // Raw 32 bytes, base64.
  std::string Sign(std::string_view message) const;  // 64 raw bytes.
  // 32 raw bytes that only who has this key can make, others for each purpose (HKDF-SHA256, RFC
  // 5869).
  std::string Derive(std::string_view purpose) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// True when `signature` (64 raw bytes) is that of `message` under the base64 raw public key.
bool VerifySignature(std::string_view public_key_base64,
                     std::string_view message,
                     std::string_view signature);

constexpr absl::Duration kTokenLifetime =
    absl::Minutes(4);  // Accepted are 5: room for a slow line.
constexpr absl::Duration kMaxTokenLifetime = absl::Minutes(5);
constexpr absl::Duration kAllowedSkew = absl::Seconds(60);

constexpr std::string_view kBackendAudience = "octofleet";

// A bearer token: iss = node id, aud = whom it is for. What is shown to one is worth nothing at
// another.
std::string MakeToken(const IdentityKey& key,
                      std::string_view node_id,
                      absl::Time now,
                      std::string_view audience = kBackendAudience);

// The issuer a token claims, unverified: who to look the key up for. InvalidArgument when it is no
// JWT.
absl::StatusOr<std::string> TokenIssuer(std::string_view token);
// Unauthenticated with what is wrong: signature, expired, not yet valid, audience, lifetime,
// algorithm.
absl::Status VerifyToken(std::string_view token,
                         std::string_view public_key_base64,
                         absl::Time now,
                         std::string_view audience = kBackendAudience);

std::string RandomHex(std::size_t bytes);  // Cryptographically strong.
std::string Sha256Hex(std::string_view data);
std::string HmacSha256Hex(std::string_view key, std::string_view message);  // RFC 2104
bool ConstantTimeEquals(std::string_view a, std::string_view b);
std::string Base64Encode(std::string_view bytes);
absl::StatusOr<std::string> Base64Decode(std::string_view text);

}  // namespace tentacle::identity
