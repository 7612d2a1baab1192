#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/config/config.h"
#include "libs/net/certificate_pin.h"

namespace tentacle::net {
namespace {

using ::testing::HasSubstr;

const std::string kPin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const std::string kBackup = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";
constexpr char kLockedOut[] =
    "a single pin locks this tentacle out when the key changes: give a backup pin too";

TEST(PinSetTest, NoneOrAtLeastTwo) {
  EXPECT_TRUE(CheckPinSet({}).ok());
  EXPECT_TRUE(CheckPinSet({kPin, kBackup}).ok());
  EXPECT_EQ(CheckPinSet({kPin}), absl::InvalidArgumentError(kLockedOut));
}

TEST(PinSetTest, TheSamePinTwiceIsOneKey) {
  EXPECT_EQ(CheckPinSet({kPin, kPin}), absl::InvalidArgumentError(kLockedOut));
}

TEST(PinSetTest, WhatIsNoSha256IsNamed) {
  for (const char* wrong : {"", "abc=", "sha256//AAAA", "not base64 at all!"}) {
    const absl::Status status = CheckPinSet({kPin, wrong});
    EXPECT_THAT(std::string(status.message()), HasSubstr("is no pin")) << wrong;
  }
}

TEST(PinSetTest, ConfigurationWithASinglePinIsRefused) {
  config::TentacleConfig config = config::Defaults();
  config.mutable_backend()->add_pins(kPin);
  EXPECT_EQ(config::Validate(config).message(), std::string("\"backend.pins\": ") + kLockedOut);
  config.mutable_backend()->add_pins(kBackup);
  EXPECT_TRUE(config::Validate(config).ok());
}

}  // namespace
}  // namespace tentacle::net
