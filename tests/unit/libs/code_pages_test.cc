#include "libs/runtime/code_pages.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace tentacle::runtime {
namespace {

// KiB of code that is mapped and there.
long CodeResident() {
  std::ifstream smaps("/proc/self/smaps");
  long sum = 0;
  bool is_code = false;
  for (std::string line; std::getline(smaps, line);) {
    std::istringstream words(line);
    std::string first;
    std::string second;
    words >> first >> second;
    if (first.find('-') != std::string::npos && first.back() != ':')
      is_code = second == "r-xp" && line.find('/') != std::string::npos;
    if (is_code && first == "Rss:") sum += std::stol(second);
  }
  return sum;
}

TEST(CodePages, ThatNobodyUsesNoLongerCount) {
  const long before = CodeResident();
  LetGoOfCode();
  const long after = CodeResident();
  EXPECT_GT(before, 0);
  EXPECT_LT(after, before);
}

TEST(CodePages, AreThereAgainWhenTheyAreUsed) {
  for (int i = 0; i < 3; ++i) {
    LetGoOfCode();
    EXPECT_THROW(static_cast<void>(std::stoi("no number")), std::invalid_argument);
  }
}

}  // namespace
}  // namespace tentacle::runtime
