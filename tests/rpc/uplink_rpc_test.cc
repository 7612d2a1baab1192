// uplink between a fake backend (real WebSocket) and fake services (real gRPC sockets), in one
// process.
#include <fmt/format.h>
#include <tentacle/uplink/v1/uplink_service.grpc.pb.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rpc/call.h"
#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

TEST_F(UplinkTest, TasksReachPxeThatWasDownAtFirst) {
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","revision":1,"tasks":[{},{}])", TaskJson("t1", 1),
                          TaskJson("t2", 2)));
  Order("m2", R"("type":"task.cancel","taskId":"t1")");
  Order("m3", fmt::format(R"("type":"task.new","task":{})", TaskJson("t3", 3)));
  ASSERT_TRUE(told_.tables.empty());
  Start("pxe");
  WaitFor("pxe has the table", [&] { return !told_.tables.empty(); });
  ASSERT_EQ(told_.tables.back().tasks_size(), 2);
  EXPECT_EQ(told_.tables.back().tasks(0).id(), "t2");
  EXPECT_EQ(told_.tables.back().tasks(1).id(), "t3");
}

TEST_F(UplinkTest, TasksReachPxeAfterARestartWhileTheBackendIsAway) {
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","revision":1,"tasks":[{}])", TaskJson("t1", 1)));
  StopUplink();
  backend_.accepts = false;
  StartUplink();
  Start("pxe");
  WaitFor("pxe has the table", [&] { return !told_.tables.empty(); });
  EXPECT_EQ(told_.tables.back().tasks(0).id(), "t1");
  WaitFor("the reason is told",
          [this] { return uplink_->Detail("backend_link").find("503") != std::string::npos; });
  EXPECT_FALSE(uplink_->Condition("backend_link"));
}

TEST_F(UplinkTest, PxeThatRemembersANewerRevisionIsOutbid) {
  told_.pxe_revision = 57;
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","revision":1,"tasks":[{}])", TaskJson("t1", 1)));
  WaitFor("pxe has the table", [&] { return !told_.tables.empty(); });
  EXPECT_EQ(told_.tables.back().revision(), 58u);
}

TEST_F(UplinkTest, TaskThatPxeRefusesGoesUpAsFailed) {
  told_.refuse_task = "t1";
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"task.new","task":{})", TaskJson("t1", 1)));
  WaitFor("task.status", [&] { return backend_.Count("task.status") > 0; });
  const auto body = boost::json::serialize(backend_.Last("task.status")->body);
  EXPECT_THAT(body, ::testing::HasSubstr(R"("status":"failed","message":"no such disk")"));
}

TEST_F(UplinkTest, WrongTaskGoesUpAsFailedAndNamesTheField) {
  StartUplinkAndWait();
  Order("m1", R"("type":"task.new","task":{"id":"t9","mac":"52:54:00:00:00:01","hostname":"a b"})");
  WaitFor("task.status", [&] { return backend_.Count("task.status") > 0; });
  const auto* message = backend_.Last("task.status");
  EXPECT_EQ(message->body.at("taskId").as_string(), "t9");
  EXPECT_THAT(boost::json::serialize(message->body), ::testing::HasSubstr("hostname: "));
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_tasks_refused_total"), 1);
}

TEST_F(UplinkTest, PlainBackendCountsAsServedTenSecondsAfterTheFirstEvent) {
  backend_.acknowledges = false;
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  pxe.Append("boot.detected", "{}");
  WaitFor("the event is up", [&] { return backend_.Count("boot.detected") == 1; });
  clock_.ahead = absl::Seconds(11);
  pxe.Append("boot.detected", "{}");
  WaitFor("both are confirmed", [&] { return pxe.confirmed() == 2; });
  EXPECT_EQ(backend_.Count("boot.detected"), 2u) << "nothing is repeated within a connection";
}

TEST_F(UplinkTest, WhatHasPiledUpReachesAPlainBackendWhole) {
  constexpr int kPile = 200;  // More than may be under way.
  backend_.acknowledges = false;
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  pxe.Append("boot.detected", "{}");
  WaitFor("the first is up", [&] { return backend_.Count("boot.detected") == 1; });
  clock_.ahead = absl::Seconds(11);
  for (int i = 0; i < kPile; ++i)
    pxe.Append("boot.detected", "{}");
  WaitFor("all are confirmed", [&] { return pxe.confirmed() == kPile + 1; });
}

TEST_F(UplinkTest, CommandWaitsForItsServiceAndIsGivenOnce) {
  const std::string job =
      R"("type":"job.run","job":{"id":"j1"},"order":"signed text","signature":"c2lnbmVk")";
  StartUplinkAndWait();
  Order("m1", job);
  StopUplink();
  StartUplinkAndWait();
  Start("agent");
  WaitFor("the agent has the job", [&] { return told_.jobs.size() == 1; });
  EXPECT_EQ(told_.jobs.front().reference(), "j1");
  EXPECT_EQ(told_.jobs.front().order(), "signed text");
  EXPECT_EQ(told_.jobs.front().signature(), "c2lnbmVk");
  // The backend did not get the acknowledgement, it thinks, and repeats.
  backend_.Send(fmt::format(R"({{"id":"m1",{}}})", job));
  Order("m2", R"("type":"job.run","job":{"id":"j2","script":"true"})");
  WaitFor("the agent has the second job", [&] { return told_.jobs.size() == 2; });
  EXPECT_EQ(told_.jobs.back().reference(), "j2");
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_repeats_total"), 1);
}

TEST_F(UplinkTest, CommandDoesNotWaitForTablesThatTheServiceHas) {
  Start("agent");
  StartUplinkAndWait();
  Order("m1", R"("type":"config.update","revision":3,"config":{"log":{"level":"debug"}})");
  Order("m2", R"("type":"job.run","job":{"id":"j1","script":"true"})");
  WaitFor("the agent has the first job", [&] { return told_.jobs.size() == 1; });
  EXPECT_EQ(told_.configs["agent"].first, 3u);
  const int before = told_.config_pushes["agent"];
  EXPECT_GT(before, 0);
  for (int i = 2; i <= 5; ++i) {
    Order(fmt::format("m{}", i + 1),
          fmt::format(R"("type":"job.run","job":{{"id":"j{}","script":"true"}})", i));
  }
  WaitFor("the agent has all jobs", [&] { return told_.jobs.size() == 5; });
  EXPECT_EQ(told_.config_pushes["agent"], before);
  // One that is started anew is given everything first.
  services_.erase("agent");
  WaitFor("its end is seen", [this] {
    return uplink_->Detail("peers").find("agent does not answer") != std::string::npos;
  });
  told_.configs.clear();
  Start("agent");
  Order("m7", R"("type":"job.run","job":{"id":"j6","script":"true"})");
  WaitFor("the agent has the last job", [&] { return told_.jobs.size() == 6; });
  EXPECT_EQ(told_.configs["agent"].first, 3u);
}

TEST_F(UplinkTest, WhoWantsAShellOfAnAgentThatIsAwayIsToldSo) {
  StartUplinkAndWait();
  backend_.Send(R"({"type":"shell.open","session":"s1","order":"text","signature":"c2ln"})");
  WaitFor("the answer", [&] { return backend_.Count("shell.exit") == 1; });
  const auto& body = backend_.Last("shell.exit")->body;
  EXPECT_EQ(body.at("session").as_string(), "s1");
  EXPECT_THAT(std::string(body.at("reason").as_string()),
              ::testing::HasSubstr("the agent cannot be reached"));
}

TEST_F(UplinkTest, EveryCommandReachesItsService) {
  Start("cache");
  Start("discovery");
  StartUplinkAndWait();
  Order("m1", R"("type":"scan.start","commandId":"c1")");
  Order("m2", R"("type":"wake","commandId":"c2","mac":"52:54:00:00:00:01")");
  backend_.Send(R"({"type":"image.prepull","imageId":"img-7"})");
  WaitFor("all three",
          [&] { return !told_.scans.empty() && !told_.wakes.empty() && !told_.pulls.empty(); });
  EXPECT_EQ(told_.scans.front(), "c1");
  EXPECT_EQ(told_.wakes.front(), "c2 52:54:00:00:00:01");
  EXPECT_EQ(told_.pulls.front(), "img-7");
}

TEST_F(UplinkTest, CommandThatNobodyTookWithinAnHourIsDroppedWithAReason) {
  StartUplinkAndWait();
  Order("m1", R"("type":"job.run","job":{"id":"j1","script":"echo"})");
  clock_.ahead = absl::Minutes(61);
  Order("m2", R"("type":"job.run","job":{"id":"j2","script":"echo"})");
  WaitFor("the result", [&] { return backend_.Count("job.result") == 1; });
  const auto& body = backend_.Last("job.result")->body;
  EXPECT_EQ(body.at("jobId").as_string(), "j1");
  EXPECT_FALSE(body.at("success").as_bool());
  Start("agent");
  WaitFor("the agent has the other", [&] { return !told_.jobs.empty(); });
  EXPECT_EQ(told_.jobs.front().reference(), "j2");
}

TEST_F(UplinkTest, CommandWithItsOwnTimeToLiveExpiresByIt) {
  StartUplinkAndWait();
  Order("m1", R"("type":"wake","commandId":"c1","mac":"52:54:00:00:00:01","ttlSeconds":10)");
  clock_.ahead = absl::Seconds(11);
  Order("m2", R"("type":"wake","commandId":"c2","mac":"52:54:00:00:00:02","ttlSeconds":86400)");
  WaitFor("the refusal", [&] { return backend_.Count("command.failed") == 1; });
  const auto& body = backend_.Last("command.failed")->body;
  EXPECT_EQ(body.at("commandId").as_string(), "c1");
  EXPECT_TRUE(body.at("reason").as_string().starts_with("expired: "));
  Start("discovery");
  WaitFor("the other is sent", [&] { return !told_.wakes.empty(); });
  EXPECT_EQ(told_.wakes.front(), "c2 52:54:00:00:00:02");
}

TEST_F(UplinkTest, CommandThatTheServiceRefusesIsReportedAndNotRepeated) {
  told_.job_answer = absl::FailedPreconditionError("jobs are disabled here");
  Start("agent");
  StartUplinkAndWait();
  Order("m1", R"("type":"job.run","job":{"id":"j1","script":"echo"})");
  WaitFor("the result", [&] { return backend_.Count("job.result") == 1; });
  EXPECT_EQ(backend_.Last("job.result")->body.at("errorMessage").as_string(),
            "jobs are disabled here");
  told_.job_answer = absl::OkStatus();
  Order("m2", R"("type":"job.run","job":{"id":"j2","script":"echo"})");
  WaitFor("the agent has the next", [&] { return !told_.jobs.empty(); });
  EXPECT_EQ(told_.jobs.front().reference(), "j2");
}

TEST_F(UplinkTest, BadFramesAreCountedAndTheNextOneIsHeard) {
  StartUplinkAndWait();
  backend_.Send("{\"type\":");
  backend_.Send("[]");
  backend_.Send(R"({"id":"m1"})");
  Order("m2", R"("type":"dance","with":"me")");
  Order("m3", R"("type":"task.cancel")");
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_refused_frames_total"), 4);
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_unknown_types_total"), 1);
  EXPECT_EQ(backend_.connections(), 1u);
}

TEST_F(UplinkTest, BinaryFrameCostsTheConnectionAndNothingElse) {
  // RFC 6455 section 5.2: FIN and opcode 2 (binary).
  backend_.raw_frames =
      "\x82\x03"
      "abc";
  StartUplink();
  WaitFor("it is counted",
          [this] { return uplink_->Metric("tentacle_uplink_refused_frames_total") >= 1; });
  backend_.raw_frames.clear();
  WaitFor("uplink is back", [&] { return backend_.connected(); });
  Order("m1", R"("type":"task.cancel","taskId":"none")");
}

TEST_F(UplinkTest, FrameThatIsTooLargeCostsTheConnectionAndNothingElse) {
  StartUplinkAndWait();
  backend_.Send(std::string(1024 * 1024 + 1, ' '));
  WaitFor("uplink is back", [&] { return backend_.connections() == 2 && backend_.connected(); });
  EXPECT_EQ(uplink_->Metric("tentacle_uplink_refused_frames_total"), 1);
  Order("m1", R"("type":"task.cancel","taskId":"none")");
}

TEST_F(UplinkTest, FloodOfMessagesIsHeardToItsEnd) {  // Bar F6.
  constexpr int kMessages = 1000;
  StartUplinkAndWait();
  for (int i = 0; i < kMessages; ++i)
    backend_.Send(fmt::format(R"({{"id":"f{}","type":"future.{}"}})", i, i % 7));
  WaitFor("all are acknowledged",
          [&] { return backend_.acknowledged_by_peer().size() == kMessages; });
  EXPECT_EQ(backend_.connections(), 1u);
}

TEST_F(UplinkTest, StatusGoesUpRightAfterConnecting) {
  Start("pxe");
  Start("cache");
  backend_.greeting = {fmt::format(R"({{"type":"tasks.sync","id":"m1","revision":1,"tasks":[{}]}})",
                                   TaskJson("t1", 1))};
  StartUplinkAndWait();
  WaitFor("pxe has the table, the backend a status",
          [&] { return !told_.tables.empty() && backend_.Count("status") >= 1; });
  backend_.HangUp();
  WaitFor("another connection", [&] { return backend_.connections() == 2; });
  // The first snapshots may be from before the services were asked.
  WaitFor("a status that knows pxe and its task", [&] {
    const auto status = backend_.Last("status");
    return status && status->body.at("services").as_array()[1].at("up").as_bool() &&
           !status->body.at("tasks").as_array().empty();
  });
  boost::json::object body = backend_.Last("status")->body;
  const boost::json::array services = body.at("services").as_array();
  body.erase("services");
  EXPECT_EQ(boost::json::serialize(body),
            R"({"online":true,"tasks":[{"taskId":"t1","status":"booting"}],"version":"0.1.0",)"
            R"("images":[{"imageId":"img-7","name":"","sizeBytes":4500000000,"state":"cached",)"
            R"("presentBytes":0,"reason":""}]})");
  ASSERT_EQ(services.size(), 5u);
  EXPECT_EQ(boost::json::serialize(services[1]),
            R"({"name":"pxe","up":true,"reason":"","waitingResults":0,"waitingInventories":0,)"
            R"("waitingMetrics":0,"thinned":0})");
  EXPECT_FALSE(services[4].at("up").as_bool());
}

TEST_F(UplinkTest, StatusGoesUpWhenAServiceDiesAndWhenItIsBack) {
  const auto cache_is_up = [&](bool up) {
    const auto status = backend_.Last("status");
    return status && status->body.at("services").as_array()[2].at("up").as_bool() == up;
  };
  Start("cache");
  StartUplinkAndWait();
  WaitFor("the cache is there", [&] { return cache_is_up(true); });
  services_.erase("cache");
  // Long before the next of the regular ones.
  WaitFor("the cache is missed", [&] { return cache_is_up(false); });
  Start("cache");
  WaitFor("the cache is back", [&] { return cache_is_up(true); });
  EXPECT_EQ(backend_.connections(), 1u);
}

TEST_F(UplinkTest, WhoIsReachableIsKnownWithoutABackend) {
  backend_.accepts = false;
  StartUplink();
  WaitFor("the cache is missed", [this] {
    return uplink_->Detail("peers").find("cache does not answer") != std::string::npos;
  });
  EXPECT_TRUE(uplink_->Condition("peers"));
  for (const char* name : {"pxe", "cache", "discovery", "agent"})
    Start(name);
  WaitFor("nobody is missed", [this] { return uplink_->Detail("peers").empty(); });
}

TEST_F(UplinkTest, WaitsForAnEnrollmentAndThenConnects) {
  std::filesystem::remove(folder_ / "tentacle.key");
  config_.config.mutable_node()->clear_id();
  config_.config.mutable_backend()->clear_url();
  StartUplink();
  WaitFor("the condition", [&] { return !uplink_->Detail("enrolled").empty(); });
  EXPECT_FALSE(uplink_->Condition("enrolled"));
  EXPECT_THAT(uplink_->Detail("enrolled"), ::testing::HasSubstr("octofleet-tentacle enroll"));
  // As `enroll` does it, while uplink runs.
  std::ofstream(folder_ / "config.yaml")
      << "backend:\n  url: " << backend_.Url() << "\nnode:\n  id: node-1\n";
  ASSERT_TRUE(key_.Save(folder_ / "tentacle.key").ok());
  WaitFor("uplink is online", [&] { return uplink_->Condition("backend_link"); });
  EXPECT_TRUE(uplink_->Condition("enrolled"));
}

TEST_F(UplinkTest, BackendThatRefusesTheTokenIsTriedAgainAndTheReasonIsTold) {
  const auto stranger = *identity::IdentityKey::Generate();
  std::filesystem::remove(folder_ / "tentacle.key");
  ASSERT_TRUE(stranger.Save(folder_ / "tentacle.key").ok());
  StartUplink();
  const auto tried_twice = [&] {
    return uplink_->Metric("tentacle_uplink_connects_total") >= 2 &&
           uplink_->Detail("backend_link").find("401") != std::string::npos;
  };
  WaitFor("two attempts", tried_twice);
  EXPECT_EQ(backend_.connections(), 0u);
}

TEST_F(UplinkTest, ClockThatIsADayOffIsToldAndDoesNotKeepUsAway) {
  clock_.ahead = absl::Hours(26);
  StartUplinkAndWait();
  EXPECT_THAT(uplink_->Detail("clock"), ::testing::HasSubstr("ahead of the backend's"));
  EXPECT_TRUE(backend_.last_token().ok());
}

TEST_F(UplinkTest, LinkStatusTellsTheWholeStory) {
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","revision":1,"tasks":[{}])", TaskJson("t1", 1)));
  WaitFor("pxe has the table", [&] { return !told_.tables.empty(); });
  const auto stub = uplink::v1::UplinkService::NewStub(rpc::Dial(uplink_->socket()));
  using Stub = uplink::v1::UplinkService::StubInterface::async_interface;
  auto call = rpc::Call<Stub, uplink::v1::GetLinkStatusRequest, uplink::v1::GetLinkStatusResponse>(
      stub->async(), &Stub::GetLinkStatus, {}, absl::Seconds(10));
  const auto status = loop_.Await(std::move(call));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->state(), uplink::v1::LINK_STATE_ONLINE);
  EXPECT_EQ(status->last_error(), "");
  EXPECT_EQ(status->node_id(), "node-1");
  EXPECT_EQ(status->task_count(), 1u);
  EXPECT_EQ(status->task_revision(), 1u);
  ASSERT_EQ(status->peers_size(), 5);
  EXPECT_EQ(status->peers(1).service(), "pxe");
  EXPECT_TRUE(status->peers(1).reachable());
  EXPECT_FALSE(status->peers(4).reachable());
}

}  // namespace
}  // namespace tentacle::testing
