#include "backend/core/failure_limit.h"

#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

TEST(FailureLimit, AfterTenFailuresTheAddressHasToWaitAMinute) {
  FailureLimit limit;
  for (std::size_t i = 0; i < FailureLimit::kFailures; ++i) {
    EXPECT_TRUE(limit.Allows("10.0.0.1", kStart));
    limit.Failed("10.0.0.1", kStart);
  }
  EXPECT_FALSE(limit.Allows("10.0.0.1", kStart + absl::Seconds(59)));
  EXPECT_TRUE(limit.Allows("10.0.0.2", kStart)) << "another";
  EXPECT_TRUE(limit.Allows("10.0.0.1", kStart + absl::Minutes(1)));
}

TEST(FailureLimit, AFloodOfAddressesForgetsTheOldest) {
  FailureLimit limit;
  for (std::size_t i = 0; i < FailureLimit::kFailures; ++i)
    limit.Failed("first", kStart);
  for (std::size_t i = 0; i < FailureLimit::kAddresses; ++i) {
    limit.Failed(std::to_string(i), kStart + absl::Seconds(1));
  }
  EXPECT_TRUE(limit.Allows("first", kStart + absl::Seconds(2)));
}

}  // namespace
}  // namespace tentacle::backend
