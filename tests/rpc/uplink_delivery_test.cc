// Events of fake services through uplink to a fake backend: order, windows, repeats, restarts.
#include <fmt/format.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

TEST_F(UplinkTest, EventIsConfirmedOnlyAfterTheAcknowledgement) {
  backend_.acknowledges = false;
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  pxe.Append("boot.detected", R"({"mac":"52:54:00:00:00:01"})");
  WaitFor("the event is up", [&] { return backend_.Count("boot.detected") == 1; });
  const std::string id = backend_.Last("boot.detected")->id.value();
  EXPECT_EQ(id, fmt::format("pxe/{}/1", pxe.epoch()));
  // Another message went all the way there and back meanwhile: there was time to confirm wrongly.
  Order("m1", R"("type":"task.cancel","taskId":"none")");
  EXPECT_EQ(pxe.confirmed(), 0u);
  backend_.Acknowledge(id);
  WaitFor("the log may forget it", [&] { return pxe.confirmed() == 1; });
  WaitFor("it is counted",
          [&] { return uplink_->Metric("tentacle_uplink_events_delivered_total") == 1; });
}

TEST_F(UplinkTest, ReconnectsAndRepeatsWhatWasNotAcknowledged) {
  backend_.acknowledges = false;
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  pxe.Append("boot.detected", R"({"mac":"52:54:00:00:00:01"})");
  WaitFor("the event is up", [&] { return backend_.Count("boot.detected") == 1; });
  const std::string first = backend_.Last("boot.detected")->id.value();
  backend_.HangUp();
  WaitFor("the event is up again", [&] { return backend_.Count("boot.detected") == 2; });
  EXPECT_EQ(backend_.connections(), 2u);
  EXPECT_EQ(backend_.Last("boot.detected")->id.value(), first);
  EXPECT_TRUE(backend_.last_token().ok());
  backend_.Acknowledge(first);
  WaitFor("the log may forget it", [&] { return pxe.confirmed() == 1; });
}

TEST_F(UplinkTest, BackendGrantsHowMuchIsUnderWay) {
  backend_.acknowledges = false;
  backend_.greeting = {R"({"type":"credit","events":3})"};
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  WaitFor("the grant is in force",
          [&] { return uplink_->Metric("tentacle_uplink_window_events") == 3; });
  for (int i = 0; i < 10; ++i)
    pxe.Append("boot.detected", "{}");
  WaitFor("the window is full", [&] { return backend_.Count("boot.detected") == 3; });
  // A whole round through uplink later there is still no fourth.
  Order("m1", R"("type":"task.cancel","taskId":"none")");
  EXPECT_EQ(backend_.Count("boot.detected"), 3u);
  backend_.Acknowledge(fmt::format("pxe/{}/1", pxe.epoch()));
  WaitFor("one more", [&] { return backend_.Count("boot.detected") == 4; });
  backend_.Send(R"({"type":"credit","events":64})");
  WaitFor("all", [&] { return backend_.Count("boot.detected") == 10; });
}

TEST_F(UplinkTest, ResultsGoUpBeforeInventoriesAndMetrics) {
  backend_.acknowledges = false;
  backend_.greeting = {R"({"type":"credit","events":0})"};
  FakeService& agent = Start("agent");
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  WaitFor("the pause is in force",
          [&] { return uplink_->Metric("tentacle_uplink_window_events") == 0; });
  agent.Append("metrics", "{}", event::v1::PRIORITY_METRIC);
  agent.Append("inventory", "{}", event::v1::PRIORITY_INVENTORY);
  pxe.Append("boot.detected", "{}");
  WaitFor("all three wait at the gate",
          [&] { return uplink_->Metric("tentacle_uplink_in_flight_events") == 3; });
  backend_.Send(R"({"type":"credit","events":1})");
  WaitFor("the first", [&] { return !backend_.event_ids().empty(); });
  EXPECT_EQ(backend_.Count("boot.detected"), 1u);
  backend_.Acknowledge(fmt::format("pxe/{}/1", pxe.epoch()));
  WaitFor("the second", [&] { return backend_.event_ids().size() == 2; });
  EXPECT_EQ(backend_.Count("inventory"), 1u);
}

TEST_F(UplinkTest, BackendThatSaysGoodbyeIsLookedForAtTheTimeItNamed) {
  StartUplinkAndWait();
  backend_.Send(R"({"type":"goodbye","reconnectAfterMs":600000})");
  // Behind it on the same wire: once this is acknowledged the goodbye has been heard.
  Order("m1", R"("type":"task.cancel","taskId":"none")");
  backend_.HangUp();
  WaitFor("the delay is chosen",
          [&] { return uplink_->Metric("tentacle_uplink_reconnect_delay_seconds") == 600; });
  EXPECT_THAT(uplink_->Detail("backend_link"),
              ::testing::HasSubstr("said goodbye and asked to come back in 10m"));
}

TEST_F(UplinkTest, NothingIsLostWhenUplinkIsMadeAnewInTheMiddle) {
  constexpr std::size_t kEvents = 300;
  FakeService& pxe = Start("pxe");
  FakeService& agent = Start("agent");
  StartUplinkAndWait();
  for (std::size_t i = 0; i < kEvents; ++i) {
    pxe.Append("task.timeline", fmt::format(R"({{"step":"{}"}})", i));
    agent.Append("metrics", fmt::format(R"({{"load1":{}}})", i));
    if (i % 100 != 50) continue;
    StopUplink();
    StartUplink();
  }
  const auto all_confirmed = [&] {
    return pxe.confirmed() == kEvents && agent.confirmed() == kEvents;
  };
  WaitFor("all are confirmed", all_confirmed);
  for (std::size_t i = 1; i <= kEvents; ++i) {
    EXPECT_TRUE(backend_.event_ids().contains(fmt::format("pxe/{}/{}", pxe.epoch(), i)));
    EXPECT_TRUE(backend_.event_ids().contains(fmt::format("agent/{}/{}", agent.epoch(), i)));
  }
  EXPECT_GE(backend_.connections(), 4u);
}

TEST_F(UplinkTest, ServiceThatRestartsLosesNothing) {
  FakeService& before = Start("agent");
  StartUplinkAndWait();
  before.Append("metrics", "{}");
  WaitFor("the first is up", [&] { return backend_.Count("metrics") == 1; });
  services_.erase("agent");
  FakeService& after = Start("agent");
  after.Append("metrics", "{}");
  WaitFor("both are confirmed", [&] { return after.confirmed() == 2; });
  EXPECT_EQ(backend_.event_ids().size(), 2u);
}

}  // namespace
}  // namespace tentacle::testing
