// How much of a test is run: little in every run, all of it in `scripts/test.sh long`.
#pragma once

#include <cstdlib>

namespace tentacle::testing {

inline long EnvNumber(const char* name, long otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

}  // namespace tentacle::testing
