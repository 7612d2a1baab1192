// Configurations of a fake backend through uplink to fake services: applied, refused, on trial,
// taken back.
#include <fmt/format.h>
#include <tentacle/uplink/v1/uplink_service.grpc.pb.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rpc/call.h"
#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

TEST_F(UplinkTest, ConfigurationReachesAllFive) {
  for (const char* name : {"pxe", "cache", "discovery", "agent"})
    Start(name);
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"log":{"level":"debug"}})");
  WaitFor("five have the configuration", [&] { return told_.configs.size() == 5; });
  for (const auto& [name, config] : told_.configs) {
    EXPECT_EQ(config.first, 4u) << name;
    EXPECT_EQ(config.second, R"({"log":{"level":"debug"}})") << name;
  }
}

TEST_F(UplinkTest, WrongConfigurationIsRefusedWithTheReasonAndTheOldOneHolds) {
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"log":{"level":"debug"}})");
  Order("m2", R"("type":"config.update","revision":5,"config":{"log":{"levle":"debug"}})");
  WaitFor("both results", [&] { return backend_.Count("config.result") == 2; });
  const auto& body = backend_.Last("config.result")->body;
  EXPECT_EQ(body.at("revision").to_number<int>(), 5);
  EXPECT_EQ(body.at("status").as_string(), "refused");
  EXPECT_THAT(std::string(body.at("reason").as_string()), ::testing::HasSubstr("log.levle"));
  WaitFor("pxe has the first", [&] { return told_.configs["pxe"].first == 4; });
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_configs_total"), 2);
}

TEST_F(UplinkTest, ConfigurationOfTheLinkIsProvenByAnotherConnection) {
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"uplink":{"ping_interval_s":30}})");
  WaitFor("it is told as applied", [&] {
    const auto* result = backend_.Last("config.result");
    return result != nullptr && result->body.at("status").as_string() == "applied";
  });
  // What was not acknowledged before the connection ended comes again, under its id.
  EXPECT_EQ(backend_.event_ids().size(), 2u);
  EXPECT_EQ(backend_.connections(), 2u);
}

// The reconnect that a trial asks for must not shorten a later wait.
TEST_F(UplinkTest, SlotOfAGoodbyeHoldsAlsoAfterATrial) {
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"uplink":{"mode":"relay"}})");
  WaitFor("another connection",
          [this] { return backend_.connections() == 2 && backend_.connected(); });
  backend_.Send(R"({"type":"goodbye","reconnectAfterMs":300000})");
  // Behind it on the same wire: once this is acknowledged the goodbye has been heard.
  Order("m2", R"("type":"task.cancel","taskId":"none")");
  backend_.HangUp();
  WaitFor("it says so", [this] {
    return uplink_->Detail("backend_link").find("asked to come back in 5m") != std::string::npos;
  });
  // Meanwhile a service is found, which takes longer than an attempt would.
  Start("agent");
  WaitFor("the agent is there",
          [this] { return uplink_->Detail("peers").find("agent") == std::string::npos; });
  EXPECT_EQ(backend_.connections(), 2u);
}

TEST_F(UplinkTest, ConfigurationThatCutsTheLinkIsTakenBackAndSaysSo) {
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"uplink":{"ping_interval_s":20}})");
  WaitFor("the first is proven", [&] {
    return uplink_->Metric("tentacle_uplink_configs_total") == 2 && backend_.connected();
  });
  backend_.accepts = false;
  const std::string bad =
      R"("type":"config.update","revision":5,"config":{"uplink":{"ping_interval_s":30}})";
  Order("m2", bad);
  WaitFor("it was tried", [&] { return told_.configs["pxe"].first == 5 && !backend_.connected(); });
  clock_.ahead = absl::Minutes(3);
  WaitFor("the one before holds again", [&] {
    return told_.configs["pxe"].second == R"({"uplink":{"ping_interval_s":20}})" &&
           told_.configs["pxe"].first > 5;
  });
  clock_.ahead = absl::ZeroDuration();
  backend_.accepts = true;
  backend_.greeting = {fmt::format(R"({{"id":"m3",{}}})", bad)};
  WaitFor("the backend learns it", [&] {
    const auto* result = backend_.Last("config.result");
    return result != nullptr && result->body.at("status").as_string() == "reverted";
  });
  EXPECT_EQ(backend_.Last("config.result")->body.at("revision").to_number<int>(), 5);
  WaitFor("the repeat is acknowledged",
          [&] { return backend_.acknowledged_by_peer().contains("m3"); });
  EXPECT_EQ(told_.configs["pxe"].second, R"({"uplink":{"ping_interval_s":20}})");
}

TEST_F(UplinkTest, TrialGoesOnAfterARestart) {
  StartUplinkAndWait();
  backend_.accepts = false;
  Order("m1", R"("type":"config.update","revision":5,"config":{"uplink":{"ping_interval_s":30}})");
  StopUplink();
  clock_.ahead = absl::Minutes(3);
  StartUplink();
  WaitFor("it is taken back",
          [&] { return uplink_->Metric("tentacle_uplink_configs_total") == 1; });
  WaitFor("the local configuration alone is pushed",
          [&] { return told_.configs["uplink"].second == "{}"; });
}

// Bar I4: somebody at the machine says that the pins are wrong, whoever set them.
TEST_F(UplinkTest, PinsAreForgottenWhenAskedTo) {
  Start("cache");
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":4,"config":{"log":{"level":"debug"}})");
  WaitFor("cache has it", [&] { return told_.configs["cache"].first == 4; });
  const std::size_t connections = backend_.connections();
  const auto stub = uplink::v1::UplinkService::NewStub(rpc::Dial(uplink_->socket()));
  using Stub = uplink::v1::UplinkService::StubInterface::async_interface;
  auto call = rpc::Call<Stub, uplink::v1::ForgetPinsRequest, uplink::v1::ForgetPinsResponse>(
      stub->async(), &Stub::ForgetPins, {}, absl::Seconds(10));
  const auto answer = loop_.Await(std::move(call));
  ASSERT_TRUE(answer.ok()) << answer.status();
  WaitFor("cache and uplink have none",
          [&] { return told_.configs["cache"].first == 5 && told_.configs["uplink"].first == 5; });
  EXPECT_EQ(told_.configs["cache"].second, R"({"log":{"level":"debug"},"backend":{"pins":[]}})");
  WaitFor("it connects anew",
          [&] { return backend_.connections() > connections && backend_.connected(); });
  // What the backend wants counts again from then on.
  Order("m2", R"("type":"config.update","revision":5,"config":{"log":{"level":"info"}})");
  WaitFor("cache has that",
          [&] { return told_.configs["cache"].second == R"({"log":{"level":"info"}})"; });
}

}  // namespace
}  // namespace tentacle::testing
