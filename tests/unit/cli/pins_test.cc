// `pins --reset` on a machine whose uplink does not run: the file is done, and the rest is said.
#include "cli/pins.h"

#include <stdlib.h>

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/config_file.h"
#include "tests/support/temp_dir.h"

namespace tentacle::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kUnavailable = 69;
constexpr int kConfig = 78;
constexpr char kPin[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

class PinsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TENTACLE_STATE_DIR", dir_.path().c_str(), 1);
    ::setenv("TENTACLE_RUN_DIR", dir_.path().c_str(), 1);
  }

  void TearDown() override {
    ::unsetenv("TENTACLE_STATE_DIR");
    ::unsetenv("TENTACLE_RUN_DIR");
  }

  std::string file() const { return dir_ / "config.yaml"; }

  void Write(const std::string& text) const { std::ofstream(file()) << text; }

  const TempDir dir_;
};

TEST_F(PinsTest, ResetTakesThemOutOfTheFileAndKeepsTheRest) {
  const std::string before =
      std::string("backend:\n  url: https://fleet.example.org\n  pins:\n    - ") + kPin +
      "\n    - " + "B" + (kPin + 1) + "\n";
  Write(before);
  EXPECT_EQ(Pins({"--reset"}), kUnavailable);
  EXPECT_THAT(ReadFile(file()), Not(HasSubstr("AAAA")));
  EXPECT_THAT(ReadFile(file()), HasSubstr("https://fleet.example.org"));
  EXPECT_EQ(ReadFile(file() + ".bak"), before);
}

TEST_F(PinsTest, AFileThatCannotBeReadIsLeftAlone) {
  Write("backend:\n  pins: [\n");
  EXPECT_EQ(Pins({"--reset"}), kConfig);
  EXPECT_EQ(ReadFile(file()), "backend:\n  pins: [\n");
}

TEST_F(PinsTest, WithoutUplinkThereIsNothingToShow) {
  EXPECT_EQ(Pins({}), kUnavailable);
}

}  // namespace
}  // namespace tentacle::cli
