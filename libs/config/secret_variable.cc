#include "libs/config/secret_variable.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include <openssl/crypto.h>

namespace tentacle::config {

std::optional<std::string> TakeSecret(const char* name) {
  char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread.
  if (value == nullptr) return std::nullopt;
  std::string secret(value);
  // unsetenv() alone would leave it where /proc/PID/environ shows it.
  OPENSSL_cleanse(value, std::strlen(value));
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread.
  return secret;
}

std::string FirstLineOf(const std::string& path) {
  std::string line;
  if (path == "-") {
    std::getline(std::cin, line);
  } else {
    std::ifstream file(path);
    std::getline(file, line);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace tentacle::config
