#include "libs/identity/sealer.h"

#include <cstdlib>
#include <memory>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace tentacle::identity {

namespace {

// The first two bytes; the second would be another with another cipher.
constexpr std::string_view kFormat("\0\1", 2);
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

// What OpenSSL can refuse here is memory, and a key or nonce of a wrong size.
void Must(int done) {
  if (done != 1) std::abort();
}

absl::Status Unreadable() {
  return absl::DataLossError("sealed with another key, or changed since");
}

}  // namespace

Sealer::Sealer(const IdentityKey& key, std::string_view purpose) : key_(key.Derive(purpose)) {}

std::string Sealer::Seal(std::string_view plain, std::string_view place) const {
  std::string nonce(kNonceBytes, '\0');
  Must(RAND_bytes(Bytes(nonce), static_cast<int>(nonce.size())));
  std::string ciphertext(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherPtr cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  Must(EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), Bytes(std::string_view(key_)),
                           Bytes(std::string_view(nonce)), nullptr));
  Must(EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(place),
                         static_cast<int>(place.size())));
  Must(EVP_EncryptUpdate(cipher.get(), Bytes(ciphertext), &size, Bytes(plain),
                         static_cast<int>(plain.size())));
  Must(EVP_EncryptFinal_ex(cipher.get(), Bytes(tag), &size));  // Writes nothing in this mode.
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()));
  return std::string(kFormat) + nonce + ciphertext + tag;
}

absl::StatusOr<std::string> Sealer::Open(std::string_view sealed, std::string_view place) const {
  if (!sealed.starts_with(kFormat)) return absl::DataLossError("not sealed");
  sealed.remove_prefix(kFormat.size());
  if (sealed.size() < kNonceBytes + kTagBytes) return Unreadable();
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const std::string_view ciphertext =
      sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string plain(ciphertext.size(), '\0');
  const CipherPtr cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  Must(EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), Bytes(std::string_view(key_)),
                           Bytes(nonce), nullptr));
  Must(EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(place),
                         static_cast<int>(place.size())));
  Must(EVP_DecryptUpdate(cipher.get(), Bytes(plain), &size, Bytes(ciphertext),
                         static_cast<int>(ciphertext.size())));
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  // Nothing of the text is used before this has said yes.
  if (EVP_DecryptFinal_ex(cipher.get(), Bytes(tag), &size) != 1) return Unreadable();
  return plain;
}

}  // namespace tentacle::identity
