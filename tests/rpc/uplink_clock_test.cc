// Bar I6 for uplink: the clock is set by an hour, by 400 days, to 1970. Nothing is over by that,
// nothing is lost, and nothing is asked for again and again.
#include <fmt/format.h>

#include <gtest/gtest.h>

#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class UplinkClockTest : public UplinkTest, public ::testing::WithParamInterface<absl::Duration> {};

TEST_P(UplinkClockTest, CommandThatWaitsDoesNotExpire) {
  StartUplinkAndWait();
  Order("m1", R"("type":"wake","commandId":"c1","mac":"52:54:00:00:00:01","ttlSeconds":600)");
  clock_.Step(GetParam());
  // Looked at once more, since another has come behind it.
  Order("m2", R"("type":"wake","commandId":"c2","mac":"52:54:00:00:00:02","ttlSeconds":600)");
  Start("discovery");
  WaitFor("both are sent", [&] { return told_.wakes.size() == 2; });
  EXPECT_EQ(told_.wakes.front(), "c1 52:54:00:00:00:01");
  EXPECT_EQ(backend_.Count("command.failed"), 0u);
}

TEST_P(UplinkClockTest, WhatIsUnderWayIsNotTakenForDelivered) {
  backend_.acknowledges = false;
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  pxe.Append("boot.detected", "{}");
  WaitFor("the event is up", [&] { return backend_.Count("boot.detected") == 1; });
  clock_.Step(GetParam());
  pxe.Append("boot.detected", "{}");
  WaitFor("so is the next", [&] { return backend_.Count("boot.detected") == 2; });
  EXPECT_EQ(backend_.connections(), 1u);
  backend_.acknowledges = true;
  backend_.HangUp();
  WaitFor("both come again and count",
          [&] { return backend_.Count("boot.detected") == 4 && pxe.confirmed() == 2; });
  EXPECT_EQ(backend_.event_ids().size(), 2u);
}

TEST_P(UplinkClockTest, ConfigurationOnTrialIsStillProvenByItsConnection) {
  Start("pxe");
  StartUplinkAndWait();
  backend_.accepts = false;
  Order("m1", R"("type":"config.update","revision":4,"config":{"uplink":{"ping_interval_s":30}})");
  WaitFor("it is being tried",
          [&] { return told_.configs["pxe"].first == 4 && !backend_.connected(); });
  clock_.Step(GetParam());
  backend_.accepts = true;
  WaitFor("it has proven itself", [&] {
    const auto* result = backend_.Last("config.result");
    return result != nullptr && result->body.at("status").as_string() == "applied";
  });
  EXPECT_EQ(told_.configs["pxe"].second, R"({"uplink":{"ping_interval_s":30}})");
}

TEST_P(UplinkClockTest, PxeIsToldTheBackendsTime) {
  clock_.ahead = GetParam();
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","tasks":[{}])", TaskJson("t1", 1)));
  WaitFor("pxe has the table", [&] { return !told_.tables.empty(); });
  ASSERT_TRUE(told_.tables.back().has_backend_time());
  const absl::Time told = absl::FromUnixSeconds(told_.tables.back().backend_time().seconds());
  EXPECT_LT(absl::AbsDuration(told - absl::Now()), absl::Minutes(30));
}

std::string NameOf(const ::testing::TestParamInfo<absl::Duration>& step) {
  constexpr const char* kNames[] = {"AnHourOn", "AnHourBack", "400DaysOn", "To1970"};
  return kNames[step.index];
}

INSTANTIATE_TEST_SUITE_P(
    Clock,
    UplinkClockTest,
    ::testing::Values(absl::Hours(1), -absl::Hours(1), 400 * kDay, -56 * 365 * kDay),
    NameOf);

}  // namespace
}  // namespace tentacle::testing
