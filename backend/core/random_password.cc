#include "backend/core/random_password.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <openssl/rand.h>

namespace tentacle::backend {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
constexpr std::size_t kGroup = 6;
constexpr std::size_t kGroups = 4;

char RandomCharacter() {
  // What is above the last whole multiple would make the first characters likelier.
  constexpr unsigned kFair = 256 / kAlphabet.size() * kAlphabet.size();
  std::uint8_t byte = 0;
  do {
    if (RAND_bytes(&byte, 1) != 1) std::abort();
  } while (byte >= kFair);
  return kAlphabet[byte % kAlphabet.size()];
}

bool HasAllKinds(std::string_view text) {
  const auto has = [text](char first, char last) {
    return std::any_of(text.begin(), text.end(), [=](char c) { return first <= c && c <= last; });
  };
  return has('A', 'Z') && has('a', 'z') && has('0', '9');
}

}  // namespace

std::string RandomPassword() {
  for (;;) {
    std::string password;
    for (std::size_t group = 0; group < kGroups; ++group) {
      if (group > 0) password += '-';
      for (std::size_t i = 0; i < kGroup; ++i)
        password += RandomCharacter();
    }
    if (HasAllKinds(password)) return password;
  }
}

}  // namespace tentacle::backend
