// SHA-256 (FIPS 180-4) in steps.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include <openssl/evp.h>

namespace tentacle::chunks {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }

  // The algorithm stays: to look it up again would cost 2 % of a chunk of 32 KiB.
  void Reset() { EVP_DigestInit_ex(context_.get(), nullptr, nullptr); }

  void Add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

  // Of all that was added; begins anew.
  Digest Take() {
    Digest digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    Reset();
    return digest;
  }

  static Digest Of(std::string_view bytes) {
    Sha256 hash;
    hash.Add(bytes);
    return hash.Take();
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace tentacle::chunks
