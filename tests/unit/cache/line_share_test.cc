#include "services/cache/core/line_share.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

namespace tentacle::cache {
namespace {

using std::chrono::microseconds;
constexpr LineShare::Instant kStart = LineShare::Instant() + std::chrono::hours(1);

LineShare::Instant After(LineShare::Instant from, absl::Duration wait) {
  return from + std::chrono::ceil<microseconds>(absl::ToChronoNanoseconds(wait));
}

// Bytes that pass within `span` in pieces of `piece`, by somebody who never waits longer than told.
double Passed(LineShare& share,
              Claim claim,
              std::uint64_t piece,
              absl::Duration span,
              LineShare::Instant from) {
  double passed = 0;
  LineShare::Instant now = from;
  while (now < After(from, span)) {
    const absl::Duration wait = share.Take(claim, piece, now);
    if (wait == absl::ZeroDuration())
      passed += static_cast<double>(piece);
    else
      now = After(now, wait);
  }
  return passed;
}

TEST(LineShare, TheAverageIsExactWhateverThePieces) {
  for (const double mbit : {0.5, 10.0, 1000.0}) {
    for (const std::uint64_t piece : {1500u, 16384u, 262144u}) {
      LineShare share;
      share.SetLimit(mbit, kStart);
      const double want = mbit * 1e6 / 8 * 10;
      const double got = Passed(share, Claim::kDemand, piece, absl::Seconds(10), kStart);
      // Beside the last piece nothing is above the limit.
      EXPECT_NEAR(got, want, static_cast<double>(piece) + 1)
          << mbit << " Mbit/s in pieces of " << piece;
    }
  }
}

TEST(LineShare, AfterAPauseNoMoreThanABurstComesAtOnce) {
  for (const double mbit : {0.1, 10.0, 100000.0}) {
    LineShare share;
    share.SetLimit(mbit, kStart);
    const LineShare::Instant later = kStart + std::chrono::hours(5);
    double at_once = 0;
    while (share.Take(Claim::kDemand, 1500, later) == absl::ZeroDuration())
      at_once += 1500;
    EXPECT_LE(at_once, LineShare::BurstBytes(mbit) + 1500);
    EXPECT_LE(at_once, 256 * 1024 + 1500);
  }
}

TEST(LineShare, ANewLimitHoldsAtOnceAlsoForADebt) {
  LineShare share;
  share.SetLimit(0.1, kStart);
  ASSERT_EQ(share.Take(Claim::kDemand, 1'000'000, kStart), absl::ZeroDuration());
  EXPECT_GT(share.Take(Claim::kDemand, 1, kStart), absl::Seconds(79));
  share.SetLimit(80, kStart);
  EXPECT_LE(share.Take(Claim::kDemand, 1, kStart), absl::Milliseconds(101));
  share.SetLimit(std::nullopt, kStart);
  EXPECT_EQ(share.Take(Claim::kDemand, 1'000'000'000, kStart), absl::ZeroDuration());
  // Nothing of an unlimited time is saved up or owed.
  share.SetLimit(8, kStart);
  EXPECT_EQ(share.Take(Claim::kDemand, 1000, kStart), absl::ZeroDuration());
  EXPECT_EQ(share.Take(Claim::kDemand, 1, kStart), absl::Milliseconds(1));
}

TEST(LineShare, APrepullStaysAwayWhileADemandGoesOn) {
  LineShare share;
  EXPECT_EQ(share.Take(Claim::kPrepull, 1000, kStart), absl::ZeroDuration());
  share.Take(Claim::kDemand, 1000, kStart);
  EXPECT_EQ(share.Take(Claim::kPrepull, 1000, kStart), kPrecedence);
  const auto half = kStart + std::chrono::milliseconds(500);
  EXPECT_EQ(share.Take(Claim::kPrepull, 1000, half), absl::Milliseconds(500));
  share.Take(Claim::kDemand, 1000, half);
  EXPECT_EQ(share.Take(Claim::kPrepull, 1000, kStart + std::chrono::seconds(1)),
            absl::Milliseconds(500));
  EXPECT_EQ(share.Take(Claim::kPrepull, 1000, kStart + std::chrono::milliseconds(1500)),
            absl::ZeroDuration());
}

TEST(LineShare, ADemandThatWaitsForItsTurnKeepsPrepullsAway) {
  LineShare share;
  share.SetLimit(1, kStart);
  double demanded = 0;
  double prepulled = 0;
  for (auto now = kStart; now < kStart + std::chrono::seconds(10);
       now += std::chrono::milliseconds(50)) {
    while (share.Take(Claim::kDemand, 1000, now) == absl::ZeroDuration())
      demanded += 1000;
    while (share.Take(Claim::kPrepull, 1000, now) == absl::ZeroDuration())
      prepulled += 1000;
  }
  EXPECT_EQ(prepulled, 0);
  EXPECT_NEAR(demanded, 1'250'000, 20'000);
}

}  // namespace

TEST(Window, IsSmallBesideWhatTenSecondsBringAndLargeEnoughForADistantBackend) {
  for (const double mbit : {1.0, 2.0, 10.0, 100.0, 300.0}) {
    const double ten_seconds = mbit * 10 * 1e6 / 8;
    const auto window = static_cast<double>(LineShare::WindowBytes(mbit));
    EXPECT_LE(window, ten_seconds * 0.055) << mbit;
    EXPECT_GE(window / 2, ten_seconds * 0.0125) << mbit;  // 125 ms, of the half that is announced.
  }
}

}  // namespace tentacle::cache
