// Prepulls on a cache whose clock is moved by hand.
#include <fmt/format.h>

#include <atomic>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

namespace json = boost::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using v1::IMAGE_STATE_CACHED;

constexpr std::size_t kMib = 1 << 20;
const absl::Time kMonday = absl::FromUnixSeconds(1'795'435'200);  // 2026-11-23T12:00:00Z

v1::Prepull Order(const std::string& id, const std::string& image) {
  v1::Prepull order;
  order.set_id(id);
  order.set_image_id(image);
  order.set_time_zone("UTC");
  return order;
}

// Its turn comes before that of one without.
v1::Prepull OrderWithDeadline(const std::string& id, const std::string& image) {
  v1::Prepull order = Order(id, image);
  order.mutable_deadline()->set_seconds(absl::ToUnixSeconds(kMonday + absl::Hours(1)));
  return order;
}

class PrepullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_.OnHome([this] { bench_.clock.now = kMonday; });
    origin_.PutChunked("a", Pattern(1, 2 * kMib));
    origin_.PutChunked("b", Pattern(2, 2 * kMib));
  }

  absl::StatusOr<v1::PlannedPrepull> Plan(v1::Prepull order) {
    return bench_.Do(bench_.planning().prepulls.Plan(std::move(order)));
  }

  std::vector<v1::PlannedPrepull> List() {
    return bench_.OnHome([this] { return bench_.planning().prepulls.List(); });
  }

  void MoveTo(absl::Time time) {
    bench_.OnHome([this, time] {
      bench_.clock.now = time;
      bench_.planning().prepulls.Wake();
    });
  }

  void HoldTheFirstPull() {
    origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
      if (request.number == 1) honest.hold_at = kMib;
      return honest;
    });
  }

  // From noon to one, and half a MiB is there.
  void BeginInItsWindow() {
    HoldTheFirstPull();
    auto order = Order("1", "a");
    order.add_windows("daily 12:00-13:00");
    ASSERT_TRUE(Plan(order).ok());
    origin_.AwaitHeld();
    bench_.AwaitPresent("a", kMib / 2);
  }

  // Image a cannot be had, and its prepull comes first.
  void ExpectThatAHoldsUpNoOther() {
    ASSERT_TRUE(Plan(OrderWithDeadline("1", "a")).ok());
    ASSERT_TRUE(Plan(Order("2", "b")).ok());
    bench_.AwaitTrue([this] { return List().size() == 1; });
    EXPECT_EQ(bench_.Image("b").state(), IMAGE_STATE_CACHED);
    EXPECT_EQ(List()[0].state(), v1::PREPULL_STATE_WAITING);
    EXPECT_THAT(List()[0].reason(), HasSubstr("503"));
  }

  // The states that were told of a prepull, in their order.
  std::string Told(const std::string& id) {
    return bench_.Told("prepull.status", "scheduleId", id, "state");
  }

  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(PrepullTest, WithoutAWindowItBeginsAtOnceAndSaysSoWhenItIsThere) {
  const auto planned = Plan(Order("1", "a"));
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_THAT(planned->forecast(), HasSubstr("has not been measured"));
  EXPECT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_CACHED);
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(Told("1"), "waiting pulling done");
}

TEST_F(PrepullTest, WaitsForItsWindow) {
  auto order = Order("1", "a");
  order.add_windows("daily 22:00-06:00");
  ASSERT_TRUE(Plan(order).ok());
  bench_.OnHome([] {});
  EXPECT_TRUE(origin_.pulls().empty());
  MoveTo(kMonday + absl::Hours(10));
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
}

TEST_F(PrepullTest, StopsWhenItsWindowClosesAndGoesOnInTheNext) {
  BeginInItsWindow();
  MoveTo(kMonday + absl::Hours(1));
  bench_.AwaitTrue([this] { return !bench_.PullRuns("a"); });
  EXPECT_THAT(List().at(0).reason(), HasSubstr("window"));
  MoveTo(kMonday + absl::Hours(24));
  origin_.Release();
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
}

TEST_F(PrepullTest, AfterARestartOutsideItsWindowItWaitsForTheNextOne) {
  BeginInItsWindow();
  bench_.Stop();
  bench_.clock.now = kMonday + absl::Hours(1);
  bench_.Start();
  EXPECT_FALSE(bench_.PullRuns("a"));
  EXPECT_EQ(bench_.Image("a").state(), v1::IMAGE_STATE_ABSENT);
  MoveTo(kMonday + absl::Hours(24));
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
  EXPECT_NE(origin_.pulls().back().range, "");
}

TEST_F(PrepullTest, AnImageThatTheBackendDoesNotGiveHoldsUpNoOther) {
  std::atomic<bool> gives = false;
  origin_.OnPull([&gives](const OriginRequest& request, OriginReply honest) {
    if (!gives && request.path.find("/a/") != std::string::npos) honest.status = 503;
    return honest;
  });
  ExpectThatAHoldsUpNoOther();
  gives = true;
  bench_.OnHome([this] {
    bench_.clock.now += absl::Minutes(6);
    bench_.planning().prepulls.Wake();
  });
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
}

// A task's pull goes on with its tries for as long as the task wants the image.
TEST_F(PrepullTest, OneThatHasJoinedATasksPullInTroubleHoldsUpNoOther) {
  std::atomic<bool> gives = false;
  origin_.OnPull([&gives](const OriginRequest& request, OriginReply honest) {
    if (!gives && request.path.find("/a/") != std::string::npos) honest.status = 503;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("a").ok());
  ExpectThatAHoldsUpNoOther();
  EXPECT_TRUE(bench_.PullRuns("a"));
  gives = true;
  EXPECT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_CACHED);
  MoveTo(kMonday + absl::Minutes(6));
  bench_.AwaitTrue([this] { return List().empty(); });
}

TEST_F(PrepullTest, WhatATaskHasBroughtMeanwhileIsThereAlsoBehindItsWindow) {
  std::atomic<bool> gives = false;
  origin_.OnPull([&gives](const OriginRequest&, OriginReply honest) {
    if (!gives) honest.status = 503;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("a").ok());
  auto order = OrderWithDeadline("1", "a");
  order.add_windows("daily 12:00-12:30");
  ASSERT_TRUE(Plan(order).ok());
  bench_.AwaitTrue([this] { return !List()[0].reason().empty(); });
  bench_.Reconfigure([](auto&) {});
  bench_.Later(absl::Minutes(45));
  gives = true;
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(Told("1"), "waiting pulling waiting done");
  EXPECT_THAT(bench_.Told("prepull.status", "scheduleId", "1", "forecast"),
              EndsWith("it is there"));
}

TEST_F(PrepullTest, OneThatWaitsForTheCacheToBeSwitchedOnBeginsAtOnce) {
  auto order = Order("1", "a");
  order.mutable_not_before()->set_seconds(absl::ToUnixSeconds(kMonday + absl::Minutes(1)));
  ASSERT_TRUE(Plan(order).ok());
  bench_.Reconfigure([](auto& config) { config.mutable_cache()->set_enabled(false); });
  MoveTo(kMonday + absl::Minutes(1));
  bench_.AwaitTrue([this] { return List()[0].reason().find("switched off") != std::string::npos; });
  bench_.Reconfigure([](auto& config) { config.mutable_cache()->set_enabled(true); });
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
}

TEST_F(PrepullTest, ATaskThatIsOverKeepsNoPrepullGoing) {
  ASSERT_TRUE(bench_.Pull("a").ok());
  ASSERT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_CACHED);
  ASSERT_TRUE(bench_.Evict("a").ok());
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.path.find("/a/") != std::string::npos) honest.status = 503;
    return honest;
  });
  ASSERT_TRUE(Plan(OrderWithDeadline("1", "a")).ok());
  ASSERT_TRUE(Plan(Order("2", "b")).ok());
  bench_.AwaitTrue([this] { return List().size() == 1; });
  EXPECT_EQ(bench_.Image("b").state(), IMAGE_STATE_CACHED);
}

TEST_F(PrepullTest, AnImageThatIsWrongAtTheBackendIsGivenUp) {
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.body[0] ^= 1;
    return honest;
  });
  ASSERT_TRUE(Plan(Order("1", "a")).ok());
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(Told("1"), "waiting pulling failed");
}

TEST_F(PrepullTest, OneThatIsCancelledWhileItsMetadataAreAskedForIsNotPulled) {
  origin_.OnMeta([](const OriginRequest& request, OriginReply honest) {
    honest.hold_head = request.number == 2;
    return honest;
  });
  auto order = Order("1", "a");
  order.add_windows("daily 13:00-14:00");
  ASSERT_TRUE(Plan(order).ok());
  bench_.OnHome([this] {
    bench_.clock.now += absl::Hours(1);
    bench_.planning().prepulls.Wake();
  });
  origin_.AwaitHeld();
  bench_.OnHome([this] { bench_.planning().prepulls.Cancel("1"); });
  origin_.Release();
  ASSERT_TRUE(Plan(Order("2", "b")).ok());
  bench_.AwaitTrue([this] { return List().empty(); });
  EXPECT_EQ(bench_.AwaitRest("a").state(), v1::IMAGE_STATE_ABSENT);
  EXPECT_EQ(origin_.pulls().size(), 1U);
}

TEST_F(PrepullTest, OneThatIsCancelledIsNotGoneOnWith) {
  HoldTheFirstPull();
  ASSERT_TRUE(Plan(Order("1", "a")).ok());
  origin_.AwaitHeld();
  bench_.OnHome([this] { bench_.planning().prepulls.Cancel("1"); });
  bench_.AwaitTrue([this] { return !bench_.PullRuns("a"); });
  EXPECT_TRUE(List().empty());
  origin_.Release();
  // Somebody who needs it goes on with what is here.
  ASSERT_TRUE(bench_.Pull("a").ok());
  EXPECT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_CACHED);
}

TEST_F(PrepullTest, OneThatATaskWantsMeanwhileGoesOnWithoutIt) {
  HoldTheFirstPull();
  ASSERT_TRUE(Plan(Order("1", "a")).ok());
  origin_.AwaitHeld();
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.OnHome([this] { bench_.planning().prepulls.Cancel("1"); });
  origin_.Release();
  EXPECT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_CACHED);
  EXPECT_EQ(origin_.pulls().size(), 1U);
}

TEST_F(PrepullTest, SurvivesARestart) {
  auto order = Order("1", "a");
  order.add_windows("daily 22:00-06:00");
  ASSERT_TRUE(Plan(order).ok());
  bench_.Stop();
  bench_.Start();
  ASSERT_EQ(List().size(), 1U);
  EXPECT_EQ(List()[0].prepull().windows(0), "daily 22:00-06:00");
}

TEST_F(PrepullTest, WhatTheBackendDoesNotHaveIsRefusedAtOnce) {
  EXPECT_TRUE(absl::IsNotFound(Plan(Order("1", "unknown")).status()));
  EXPECT_TRUE(List().empty());
  auto order = Order("1", "a");
  order.add_windows("always");
  EXPECT_TRUE(absl::IsInvalidArgument(Plan(order).status()));
}

TEST_F(PrepullTest, SaysThatItIsLateOnceTheLineIsKnown) {
  bench_.OnHome([this] { bench_.planning().line.limiter().SetMeasured(0.001); });
  auto order = Order("1", "a");
  order.mutable_deadline()->set_seconds(absl::ToUnixSeconds(kMonday + absl::Hours(1)));
  order.mutable_not_before()->set_seconds(absl::ToUnixSeconds(kMonday + absl::Minutes(30)));
  const auto planned = Plan(order);
  ASSERT_TRUE(planned.ok());
  EXPECT_TRUE(planned->has_feasible());
  EXPECT_FALSE(planned->feasible());
  EXPECT_THAT(planned->forecast(), HasSubstr("not feasible by Mon 23 Nov 13:00"));
}

TEST_F(PrepullTest, InPassiveModeThereIsNone) {
  bench_.OnHome([this] { bench_.config.config.mutable_uplink()->set_mode("passive"); });
  EXPECT_TRUE(absl::IsFailedPrecondition(Plan(Order("1", "a")).status()));
}

}  // namespace
}  // namespace tentacle::cache::testing
