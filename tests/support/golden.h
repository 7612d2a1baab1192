// Files under tests/data that a test compares with and, with UPDATE_GOLDEN=1, writes.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/data_dir.h"

namespace tentacle::testing {

inline std::string GoldenPath(const std::string& name) {
  return DataDir() + "/" + name;
}

inline std::string ReadGolden(const std::string& name) {
  std::ifstream file(GoldenPath(name), std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void ExpectGolden(const std::string& name, const std::string& actual) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(GoldenPath(name), std::ios::binary) << actual;
  }
  EXPECT_EQ(ReadGolden(name), actual) << "golden file " << name << " (UPDATE_GOLDEN=1 rewrites it)";
}

}  // namespace tentacle::testing
