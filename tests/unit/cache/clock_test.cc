// Bar I6 for the cache: tokens are those of the backend's time, however wrong the machine's is.
#include <atomic>
#include <cstdint>
#include <string>

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "libs/net/retry_after.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

// The backend's clock is the right one: ours is so much behind it.
class ClockTest : public ::testing::TestWithParam<absl::Duration> {
 protected:
  ClockTest() {
    const auto judge = [this](const OriginRequest& request, OriginReply honest) {
      return Judge(request, std::move(honest));
    };
    origin_.OnMeta(judge);
    origin_.OnChunks(judge);
    origin_.OnPull(judge);
  }

  // As the hub judges it.
  OriginReply Judge(const OriginRequest& request, OriginReply honest) {
    const absl::Time now = absl::Now() + absl::Seconds(behind_s_.load());
    const std::string token = request.authorization.substr(std::string("Bearer ").size());
    if (identity::VerifyToken(token, bench_.public_key(), now).ok()) return honest;
    ++refused_;
    OriginReply refusal;
    refusal.status = 401;
    refusal.headers = {"Date: " + net::FormatHttpDate(now)};
    return refusal;
  }

  void SetBehind(absl::Duration behind) { behind_s_ = absl::ToInt64Seconds(behind); }

  void ExpectCached() {
    EXPECT_EQ(bench_.AwaitRest("img").state(), v1::IMAGE_STATE_CACHED)
        << bench_.Image("img").reason();
  }

  std::atomic<std::int64_t> behind_s_{0};
  std::atomic<int> refused_{0};
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_P(ClockTest, OneRefusalIsEnoughForAWholeImage) {
  SetBehind(GetParam());
  origin_.PutChunked("img", Pattern(1, 3 << 20));
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached();
  EXPECT_EQ(refused_, 1);
  EXPECT_EQ(origin_.lists(), 1);
}

TEST_P(ClockTest, AStepBetweenTwoRequestsCostsOneMore) {
  origin_.PutChunked("img", Pattern(1, 3 << 20));
  origin_.OnMeta([this](const OriginRequest& request, OriginReply honest) {
    OriginReply reply = Judge(request, std::move(honest));
    SetBehind(GetParam());
    return reply;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached();
  EXPECT_EQ(refused_, 1);
  EXPECT_EQ(origin_.lists(), 2);  // The list is asked for again and not done without.
}

std::string NameOf(const ::testing::TestParamInfo<absl::Duration>& step) {
  constexpr const char* kNames[] = {"Of1970", "Ahead400Days", "HourBehind", "HourAhead"};
  return kNames[step.index];
}

INSTANTIATE_TEST_SUITE_P(
    Clock,
    ClockTest,
    ::testing::Values(50 * 365 * kDay, -400 * kDay, absl::Hours(1), -absl::Hours(1)),
    NameOf);

TEST(BackendClock, IsOursUntilTheBackendSaysOtherwise) {
  BackendClock clock;
  const BackendClock::Reading now{absl::UnixEpoch() + kDay, absl::Seconds(5)};
  EXPECT_EQ(clock.Now(now), now.wall);
  EXPECT_FALSE(clock.Learn(now.wall + limits::kClockTolerance, now));
  EXPECT_EQ(clock.Now(now), now.wall);
}

TEST(BackendClock, StepsOfOursDoNotMatterAnyMore) {
  BackendClock clock;
  const absl::Time told = absl::UnixEpoch() + 10'000 * kDay;
  EXPECT_TRUE(clock.Learn(told, {absl::UnixEpoch(), absl::Seconds(5)}));
  for (const absl::Time wall : {absl::UnixEpoch(), told, told + 400 * kDay}) {
    EXPECT_EQ(clock.Now({wall, absl::Seconds(65)}), told + absl::Minutes(1));
  }
  EXPECT_FALSE(clock.Learn(told + absl::Minutes(1), {told - kDay, absl::Seconds(65)}));
}

}  // namespace
}  // namespace tentacle::cache::testing
