// Reads the frozen machines of tests/data/rootfs, and compares texts with files that are updated by
// UPDATE_GOLDEN=1.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/data_dir.h"

namespace tentacle::agent::testing {

inline std::string MachineRoot(const std::string& machine) {
  return tentacle::testing::DataDir() + "/rootfs/" + machine;
}

inline std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string Frozen(const std::string& machine, const std::string& path) {
  return ReadWhole(MachineRoot(machine) + path);
}

inline void ExpectGolden(const std::string& path, const std::string& actual) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(path, std::ios::binary) << actual;
  }
  EXPECT_EQ(ReadWhole(path), actual) << path << " (UPDATE_GOLDEN=1 rewrites it)";
}

}  // namespace tentacle::agent::testing
