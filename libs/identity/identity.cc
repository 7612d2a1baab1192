#include "libs/identity/identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <absl/strings/escaping.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "libs/text/view.h"

namespace tentacle::identity {

namespace {

using text::AbslView;

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kPrivateKeyBytes = 32;
constexpr std::size_t kDerivedBytes = 32;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr char kHeader[] = R"({"alg":"EdDSA","typ":"JWT"})";

using KeyPtr = std::shared_ptr<EVP_PKEY>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using KdfPtr = std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)>;
using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status WriteAll(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, path);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

struct TokenParts {
  std::string_view signed_part;
  std::string signature;
  boost::json::object header;
  boost::json::object claims;
};

absl::StatusOr<boost::json::object> DecodeObject(std::string_view part) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(AbslView(part), &text))
    return absl::InvalidArgumentError("token is not base64url");
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  if (error || !value.is_object()) return absl::InvalidArgumentError("token holds no JSON object");
  return std::move(value.as_object());
}

absl::StatusOr<TokenParts> Split(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return absl::InvalidArgumentError("token is too long");
  const std::size_t first_dot = token.find('.');
  const std::size_t last_dot = token.rfind('.');
  if (first_dot == std::string_view::npos || first_dot == last_dot) {
    return absl::InvalidArgumentError("token has not three parts");
  }
  TokenParts result;
  result.signed_part = token.substr(0, last_dot);
  auto header = DecodeObject(token.substr(0, first_dot));
  if (!header.ok()) return header.status();
  auto claims = DecodeObject(token.substr(first_dot + 1, last_dot - first_dot - 1));
  if (!claims.ok()) return claims.status();
  if (!absl::WebSafeBase64Unescape(AbslView(token.substr(last_dot + 1)), &result.signature)) {
    return absl::InvalidArgumentError("token's signature is not base64url");
  }
  result.header = *std::move(header);
  result.claims = *std::move(claims);
  return result;
}

absl::StatusOr<std::int64_t> Number(const boost::json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr || !value->is_int64()) {
    return absl::UnauthenticatedError(fmt::format("token has no {}", name));
  }
  return value->as_int64();
}

bool StringIs(const boost::json::object& object, std::string_view name, std::string_view want) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() && std::string_view(value->as_string()) == want;
}

}  // namespace

struct IdentityKey::Impl {
  KeyPtr key;
};

absl::StatusOr<IdentityKey> IdentityKey::Generate() {
  EVP_PKEY* raw = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (raw == nullptr) return absl::InternalError("OpenSSL made no Ed25519 key");
  IdentityKey key;
  key.impl_ = std::make_shared<Impl>(Impl{KeyPtr(raw, &EVP_PKEY_free)});
  return key;
}

absl::StatusOr<IdentityKey> IdentityKey::Load(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT) return absl::NotFoundError(fmt::format("{}: no identity key", path));
    return absl::ErrnoToStatus(errno, path);
  }
  FILE* file = ::fdopen(fd, "r");

  struct stat info {};

  const bool open_to_others = ::fstat(fd, &info) == 0 && (info.st_mode & 07) != 0;
  EVP_PKEY* raw = open_to_others ? nullptr : PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  if (open_to_others)
    return absl::PermissionDeniedError(fmt::format("{}: others may read it; chmod 0600", path));
  if (raw == nullptr) return absl::DataLossError(fmt::format("{}: not a private key", path));
  KeyPtr held(raw, &EVP_PKEY_free);
  if (EVP_PKEY_get_id(raw) != EVP_PKEY_ED25519)
    return absl::DataLossError(fmt::format("{}: not Ed25519", path));
  IdentityKey key;
  key.impl_ = std::make_shared<Impl>(Impl{std::move(held)});
  return key;
}

absl::Status IdentityKey::Save(const std::string& path) const {
  const BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (PEM_write_bio_PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                               nullptr) != 1) {
    return absl::InternalError("OpenSSL wrote no PEM");
  }
  char* data = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio.get(), &data));
  // A half-written key must never be there under its name, and an existing one never be replaced.
  const std::string temporary = fmt::format("{}.new", path);
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, temporary);
  absl::Status status = WriteAll(fd, {data, size}, temporary);
  OPENSSL_cleanse(data, size);
  if (status.ok() && ::fsync(fd) != 0) status = absl::ErrnoToStatus(errno, temporary);
  ::close(fd);
  if (status.ok() && ::link(temporary.c_str(), path.c_str()) != 0) {
    status = errno == EEXIST ? absl::AlreadyExistsError(fmt::format("{} is there already", path))
                             : absl::ErrnoToStatus(errno, path);
  }
  ::unlink(temporary.c_str());
  return status;
}

std::string IdentityKey::PublicKeyBase64() const {
  std::string raw(kPublicKeyBytes, '\0');
  std::size_t size = raw.size();
  EVP_PKEY_get_raw_public_key(impl_->key.get(), reinterpret_cast<unsigned char*>(raw.data()),
                              &size);
  return Base64Encode(raw);
}

std::string IdentityKey::Sign(std::string_view message) const {
  const ContextPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get());
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                 Bytes(message), message.size());
  return signature;
}

std::string IdentityKey::Derive(std::string_view purpose) const {
  std::array<unsigned char, kPrivateKeyBytes> secret{};
  std::size_t size = secret.size();
  const KdfPtr kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  const KdfContextPtr context(EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
  char digest[] = "SHA256";
  std::string info(purpose);
  const std::array<OSSL_PARAM, 4> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  std::string derived(kDerivedBytes, '\0');
  const bool done = EVP_PKEY_get_raw_private_key(impl_->key.get(), secret.data(), &size) == 1 &&
                    EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(derived.data()),
                                   derived.size(), parameters.data()) == 1;
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!done) std::abort();  // A key of zeros would open everything.
  return derived;
}

bool VerifySignature(std::string_view public_key_base64,
                     std::string_view message,
                     std::string_view signature) {
  const auto raw = Base64Decode(public_key_base64);
  if (!raw.ok() || raw->size() != kPublicKeyBytes || signature.size() != kSignatureBytes)
    return false;
  const KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(*raw), raw->size()),
                   &EVP_PKEY_free);
  const ContextPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  return key != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

std::string MakeToken(const IdentityKey& key,
                      std::string_view node_id,
                      absl::Time now,
                      std::string_view audience) {
  const boost::json::value claims = {{"iss", node_id},
                                     {"aud", audience},
                                     {"iat", absl::ToUnixSeconds(now)},
                                     {"exp", absl::ToUnixSeconds(now + kTokenLifetime)},
                                     {"jti", RandomHex(16)}};
  const std::string signed_part =
      fmt::format("{}.{}", absl::WebSafeBase64Escape(kHeader),
                  absl::WebSafeBase64Escape(boost::json::serialize(claims)));
  return fmt::format("{}.{}", signed_part, absl::WebSafeBase64Escape(key.Sign(signed_part)));
}

absl::StatusOr<std::string> TokenIssuer(std::string_view token) {
  const auto parts = Split(token);
  if (!parts.ok()) return parts.status();
  const auto* issuer = parts->claims.if_contains("iss");
  if (issuer == nullptr || !issuer->is_string())
    return absl::InvalidArgumentError("token has no iss");
  return std::string(issuer->as_string());
}

absl::Status VerifyToken(std::string_view token,
                         std::string_view public_key_base64,
                         absl::Time now,
                         std::string_view audience) {
  const auto parts = Split(token);
  if (!parts.ok()) return absl::UnauthenticatedError(parts.status().message());
  // Only EdDSA: a token must not choose a weaker check for itself.
  if (!StringIs(parts->header, "alg", "EdDSA"))
    return absl::UnauthenticatedError("token's alg is not EdDSA");
  if (!VerifySignature(public_key_base64, parts->signed_part, parts->signature)) {
    return absl::UnauthenticatedError("token's signature is wrong");
  }
  if (!StringIs(parts->claims, "aud", audience)) {
    return absl::UnauthenticatedError(fmt::format("token's aud is not {}", audience));
  }
  const auto issued = Number(parts->claims, "iat");
  if (!issued.ok()) return issued.status();
  const auto expires = Number(parts->claims, "exp");
  if (!expires.ok()) return expires.status();
  const absl::Time issued_at = absl::FromUnixSeconds(*issued);
  const absl::Time expires_at = absl::FromUnixSeconds(*expires);
  if (expires_at - issued_at > kMaxTokenLifetime) {
    return absl::UnauthenticatedError("token lives longer than 5 minutes");
  }
  if (issued_at > now + kAllowedSkew) {
    return absl::UnauthenticatedError(
        fmt::format("token is not valid yet: the tentacle's clock is {} ahead of the backend's",
                    absl::FormatDuration(issued_at - now)));
  }
  if (expires_at + kAllowedSkew < now) {
    return absl::UnauthenticatedError(
        fmt::format("token expired {} ago: check the tentacle's clock",
                    absl::FormatDuration(now - expires_at)));
  }
  return absl::OkStatus();
}

std::string RandomHex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(bytes)) != 1)
    std::abort();
  return absl::BytesToHexString(raw);
}

std::string Sha256Hex(std::string_view data) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(data), data.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return absl::BytesToHexString(digest);
}

std::string HmacSha256Hex(std::string_view key, std::string_view message) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(message), message.size(),
       reinterpret_cast<unsigned char*>(digest.data()), &size);
  return absl::BytesToHexString(digest);
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Base64Encode(std::string_view bytes) {
  return absl::Base64Escape(AbslView(bytes));
}

absl::StatusOr<std::string> Base64Decode(std::string_view text) {
  std::string out;
  if (!absl::Base64Unescape(AbslView(text), &out)) return absl::InvalidArgumentError("not base64");
  return out;
}

}  // namespace tentacle::identity
