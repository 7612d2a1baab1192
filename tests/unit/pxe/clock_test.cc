// Bar I6 for pxe: the clock is set while machines are at work. No task is over by that, none is
// told about, and what is really silent for too long still ends.
#include <fmt/format.h>

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "services/pxe/limits.h"
#include "tests/unit/pxe/boot_http_fixture.h"

namespace tentacle::pxe {
namespace {

using task::v1::TASK_STATUS_BOOTING;
using task::v1::TASK_STATUS_FAILED;
using task::v1::TASK_STATUS_INSTALLING;
using task::v1::TASK_STATUS_WAITING;
using testing::kMac;

constexpr absl::Duration kDay = absl::Hours(24);

class PxeClockTest : public BootHttpTest, public ::testing::WithParamInterface<absl::Duration> {
 protected:
  task::v1::TaskStatus Status() { return world_.desk().table().Find(kMac)->progress.status(); }

  void Look() {
    world_.desk().CheckDeadlines();
    world_.Settle();
  }

  void Step() {
    world_.clock.Step(GetParam());
    Look();
  }
};

TEST_P(PxeClockTest, AnInstallationGoesOnAndItsSilenceStillEnds) {
  const std::string token = Install();
  EXPECT_EQ(Post(token, R"({"event":"downloading"})").status, 204u);
  Step();
  EXPECT_EQ(Status(), TASK_STATUS_INSTALLING);
  world_.clock.now += absl::Minutes(59);
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_INSTALLING);
  EXPECT_EQ(Post(token, R"({"event":"applying"})").status, 204u);
  world_.clock.now += absl::Minutes(31);
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_FAILED);
}

TEST_P(PxeClockTest, ABootGoesOnAndMayStillBeginAnew) {
  GetScript();
  Step();
  EXPECT_EQ(Status(), TASK_STATUS_BOOTING);
  world_.clock.now += limits::kBootPatience + absl::Seconds(1);
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_WAITING);
}

TEST_P(PxeClockTest, OrdersThatGotLostMayStillBeFetched) {
  const std::string token = ScriptToken();
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  world_.clock.Step(GetParam());  // Nobody looks in between.
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  world_.clock.now += limits::kOrderWindow + absl::Seconds(1);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 410u);
}

TEST_P(PxeClockTest, AClockThatWasSetWhileWeWereAwayEndsNothing) {
  const std::string token = Install();
  EXPECT_EQ(Post(token, R"({"event":"downloading"})").status, 204u);
  world_.clock.Step(GetParam());
  Restart();
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_INSTALLING);
  EXPECT_EQ(Post(token, R"({"event":"applying"})").status, 204u);
}

// The task's own deadline is a time of the backend's.
TEST_P(PxeClockTest, ADeadlineIsJudgedByTheBackendsClock) {
  const absl::Time begin = world_.clock.now;
  task::v1::BootTask task = testing::Task("d1");
  task.mutable_deadline()->set_seconds(absl::ToUnixSeconds(begin + absl::Hours(1)));
  // What a restart finds in the file.
  task.set_source_json(
      fmt::format(R"({{"deadline":"{}",{})",
                  absl::FormatTime(absl::RFC3339_full, begin + absl::Hours(1), absl::UTCTimeZone()),
                  task.source_json().substr(1)));
  EXPECT_TRUE(Push(2, {task}).empty());
  // Before anybody has told us, and after a restart with a clock that is wrong.
  Step();
  Restart();
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_WAITING);
  world_.desk().LearnTime(begin + absl::Minutes(58));
  world_.clock.now += absl::Minutes(1);
  Step();
  EXPECT_EQ(Status(), TASK_STATUS_WAITING);
  world_.clock.now += absl::Minutes(2);
  Look();
  EXPECT_EQ(Status(), TASK_STATUS_FAILED);
}

std::string NameOf(const ::testing::TestParamInfo<absl::Duration>& step) {
  constexpr const char* kNames[] = {"AnHourOn", "AnHourBack", "400DaysOn", "To1970"};
  return kNames[step.index];
}

INSTANTIATE_TEST_SUITE_P(
    Clock,
    PxeClockTest,
    ::testing::Values(absl::Hours(1), -absl::Hours(1), 400 * kDay, -55 * 365 * kDay),
    NameOf);

TEST_F(BootHttpTest, ADeadlineIsKeptAlsoWithoutTheBackend) {
  task::v1::BootTask task = testing::Task("d1");
  task.mutable_deadline()->set_seconds(absl::ToUnixSeconds(world_.clock.now - absl::Hours(1)));
  EXPECT_TRUE(Push(2, {task}).empty());
  const auto status = [this] {
    return world_.desk().table().Find(testing::kMac)->progress.status();
  };
  world_.clock.now += limits::kBackendTimePatience - absl::Seconds(1);
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(status(), TASK_STATUS_WAITING);
  world_.clock.now += absl::Seconds(1);
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(status(), TASK_STATUS_FAILED);
}

// Twenty minutes of a clock that jumps with every look.
TEST_F(BootHttpTest, StepsOfTheClockTellNothing) {
  std::mt19937_64 random(6);
  const std::string token = Install();
  EXPECT_EQ(Post(token, R"({"event":"downloading"})").status, 204u);
  const std::size_t told = world_.events.all.size();
  for (int i = 0; i < 240; ++i) {
    world_.clock.Step(random() % 2 == 0 ? absl::Hours(1) : -absl::Hours(1));
    world_.clock.now += limits::kDeadlineCheck;
    world_.desk().CheckDeadlines();
  }
  world_.Settle();
  EXPECT_EQ(world_.events.all.size(), told);
}

}  // namespace
}  // namespace tentacle::pxe
