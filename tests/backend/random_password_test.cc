#include "backend/core/random_password.h"

#include <algorithm>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

using ::testing::MatchesRegex;

TEST(RandomPassword, IsLongOfAllKindsAndNeverTheSame) {
  std::set<std::string> seen;
  std::set<char> used;
  for (int i = 0; i < 1000; ++i) {
    const std::string password = RandomPassword();
    // What can be read out over the telephone: no I, O, l, o, 0, 1.
    EXPECT_THAT(password, MatchesRegex("([A-HJ-NP-Za-kmnp-z2-9]{6}-){3}[A-HJ-NP-Za-kmnp-z2-9]{6}"));
    EXPECT_TRUE(std::ranges::any_of(password, [](char c) { return 'A' <= c && c <= 'Z'; }));
    EXPECT_TRUE(std::ranges::any_of(password, [](char c) { return 'a' <= c && c <= 'z'; }));
    EXPECT_TRUE(std::ranges::any_of(password, [](char c) { return '2' <= c && c <= '9'; }));
    EXPECT_TRUE(seen.insert(password).second);
    used.insert(password.begin(), password.end());
  }
  EXPECT_EQ(used.size(), 57U);  // Every character of the alphabet, and the hyphen.
}

}  // namespace
}  // namespace tentacle::backend
