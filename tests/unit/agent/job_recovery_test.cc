// What becomes of jobs when the agent is killed, and when its disk or its event log is full.
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using JobRecoveryTest = testing::JobRunnerTest;
using testing::Life;
using testing::Number;
using testing::Text;
using testing::WatchedProcess;

TEST_F(JobRecoveryTest, KilledAgentReportsInterruptedOnceAndRunsNothingTwice) {
  const auto pipe = MakePipe("pid");
  ASSERT_TRUE(
      Start("orphan", fmt::format("trap '' TERM HUP; echo $$ >> {}; while :; do sleep 100; done",
                                  pipe->path()))
          .ok());
  WatchedProcess script(loop_.home(), loop_.Run(pipe->Line()));

  // The process lives on, the agent's memory does not.
  Life second(loop_, folder_, life_.store.Snapshot());
  Recover(second);
  const auto result = loop_.Run(second.events.Nth("job.result", 1, Id("orphan")));
  EXPECT_EQ(Text(result, "status"), "interrupted");
  EXPECT_FALSE(result.at("success").as_bool());
  EXPECT_EQ(Number(result, "exitCode"), -1);
  EXPECT_TRUE(loop_.Run(script.Ended()));
  const auto repeated = loop_.Run(
      second.runner->StartJob(testing::ScriptJob(Id("orphan"), "true", absl::Seconds(5))));
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->state, JobState::kInterrupted);

  // A job that comes after it, to have something to wait for.
  ASSERT_TRUE(
      loop_.Run(second.runner->StartJob(testing::ScriptJob(Id("next"), "true", absl::Seconds(60))))
          .ok());
  loop_.Run(second.events.Nth("job.result", 1, Id("next")));
  Life third(loop_, folder_, second.store.Snapshot());
  Recover(third);
  ASSERT_TRUE(
      loop_.Run(third.runner->StartJob(testing::ScriptJob(Id("last"), "true", absl::Seconds(60))))
          .ok());
  loop_.Run(third.events.Nth("job.result", 1, Id("last")));
  EXPECT_EQ(third.events.Count("job.result", Id("orphan")), 0u);
}

TEST_F(JobRecoveryTest, KilledAgentStillRunsWhatHadNotBegun) {
  const auto pipe = MakePipe("started");
  const auto script = fmt::format("echo on > {}; sleep 1000", pipe->path());
  for (const char* name : {"one", "two", "three", "four"})
    ASSERT_TRUE(Start(name, script).ok());
  for (int i = 0; i < 4; ++i)
    loop_.Run(pipe->Line());
  const std::string counter = folder_ / "counter";
  ASSERT_TRUE(Start("waiting", "echo x >> " + counter).ok());

  const auto left = life_.store.Snapshot();
  life_.runner->Stop();
  Life second(loop_, folder_, left);
  Recover(second);
  EXPECT_EQ(Text(loop_.Run(second.events.Nth("job.result", 1, Id("waiting"))), "status"),
            "succeeded");
  EXPECT_EQ(std::filesystem::file_size(counter), 2u);
  EXPECT_EQ(Text(loop_.Run(second.events.Nth("job.result", 1, Id("four"))), "status"),
            "interrupted");
  EXPECT_EQ(second.events.Count("job.result"), 5u);
}

TEST_F(JobRecoveryTest, ResultThatWasNotReportedIsReportedAfterARestart) {
  life_.events.refusals = 1'000'000;
  ASSERT_TRUE(Start("mute", "echo kept; exit 3").ok());
  loop_.Run(life_.events.Refused(1));
  const auto left = life_.store.Snapshot();
  life_.runner->Stop();
  Life second(loop_, folder_, left);
  Recover(second);
  const auto result = loop_.Run(second.events.Nth("job.result", 1, Id("mute")));
  EXPECT_EQ(Number(result, "exitCode"), 3);
  EXPECT_EQ(Text(result, "stdout"), "kept\n");
}

TEST_F(JobRecoveryTest, FullEventLogIsTriedAgain) {
  life_.events.refusals = 3;
  ASSERT_TRUE(Start("retry", "exit 1").ok());
  EXPECT_EQ(Text(Result("retry"), "status"), "failed");
  EXPECT_EQ(life_.events.refusals, 0);
}

TEST_F(JobRecoveryTest, FullDiskRefusesWithoutTrace) {
  life_.store.RefuseNext(1);
  EXPECT_TRUE(absl::IsResourceExhausted(Start("disk", "true").status()));
  EXPECT_TRUE(absl::IsNotFound(loop_.Run(life_.runner->GetJob(Id("disk"))).status()));
  EXPECT_EQ(life_.events.Count("job.result"), 0u);
  ASSERT_TRUE(Start("disk", "true").ok());
  EXPECT_EQ(Text(Result("disk"), "status"), "succeeded");
}

TEST_F(JobRecoveryTest, DiskThatFillsUpUnderAJobDelaysIt) {
  const auto pipe = MakePipe("started");
  const auto gate = MakePipe("gate");
  ASSERT_TRUE(
      Start("delay", fmt::format("echo on > {}; read x < {}; exit 9", pipe->path(), gate->path()))
          .ok());
  loop_.Run(pipe->Line());
  life_.store.RefuseNext(5);
  gate->Write("go\n");
  EXPECT_EQ(Number(Result("delay"), "exitCode"), 9);
}

TEST_F(JobRecoveryTest, UnreadableRecordsAreForgottenAndTheRestIsKept) {
  auto left = life_.store.Snapshot();
  left["job/broken"] = "{\"format\":1";
  left["job/other"] = R"({"format":99})";
  left["output/broken/stdout"] = "x";
  Life second(loop_, folder_, left);
  Recover(second);
  EXPECT_TRUE(absl::IsNotFound(loop_.Run(second.runner->GetJob("broken")).status()));
  EXPECT_FALSE(second.store.Snapshot().contains("job/broken"));
}

TEST_F(JobRecoveryTest, BeforeTheStoreIsReadNothingIsAccepted) {
  Life fresh(loop_, folder_);
  const auto early =
      loop_.Run(fresh.runner->StartJob(testing::ScriptJob(Id("early"), "true", absl::Seconds(1))));
  EXPECT_TRUE(absl::IsUnavailable(early.status()));
}

}  // namespace
}  // namespace tentacle::agent
