// Real scripts in real processes. Every wait is for an event: a line in a named pipe, a process'
// end, a result in the event log.
#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/limits.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::JobRunnerTest;
using ::testing::Not;
using testing::Number;
using testing::Text;
using testing::WatchedProcess;

TEST_F(JobRunnerTest, ExitZeroWithBothStreams) {
  ASSERT_TRUE(Start("both", "echo out; echo err >&2").ok());
  const auto result = Result("both");
  EXPECT_EQ(Text(result, "status"), "succeeded");
  EXPECT_TRUE(result.at("success").as_bool());
  EXPECT_EQ(Number(result, "exitCode"), 0);
  EXPECT_EQ(Text(result, "stdout"), "out\n");
  EXPECT_EQ(Text(result, "stderr"), "err\n");
  EXPECT_EQ(Text(result, "errorMessage"), "");
}

TEST_F(JobRunnerTest, ExitCodeIsReported) {
  ASSERT_TRUE(Start("code", "exit 42").ok());
  const auto result = Result("code");
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_FALSE(result.at("success").as_bool());
  EXPECT_EQ(Number(result, "exitCode"), 42);
  EXPECT_EQ(Text(result, "errorMessage"), "the script ended with exit code 42");
}

TEST_F(JobRunnerTest, SignalIsNamed) {
  ASSERT_TRUE(Start("signal", "kill -SEGV $$").ok());
  const auto result = Result("signal");
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_EQ(Number(result, "exitCode"), 139);
  EXPECT_THAT(Text(result, "errorMessage"), HasSubstr("SIGSEGV"));
}

TEST_F(JobRunnerTest, ScriptSeesNothingOfTheAgent) {
  ::setenv("TENTACLE_TOKEN", "secret", 1);  // NOLINT(concurrency-mt-unsafe)
  const auto pipe = MakePipe("open-descriptor");
  ASSERT_TRUE(
      Start(
          "view",
          "cat; env; ls /proc/self/fd | tr '\\n' ' '; echo; trap '' PIPE; pwd; stat -c %a . script")
          .ok());
  const auto result = Result("view");
  ::unsetenv("TENTACLE_TOKEN");  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(Text(result, "status"), "succeeded") << Text(result, "stderr");
  EXPECT_THAT(Text(result, "stdout"),
              AllOf(HasSubstr("PATH=/usr/bin:/bin\n"),
                    HasSubstr("TENTACLE_JOB_ID=" + Id("view") + "\n"), Not(HasSubstr("secret"))));
  EXPECT_THAT(Text(result, "stdout"), HasSubstr("\n0 1 2 3 \n"));  // 3 is the folder that ls reads.
  EXPECT_THAT(Text(result, "stdout"), EndsWith(fmt::format("jobs/{}\n700\n700\n", Id("view"))));
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("jobs/" + Id("view"))));
}

TEST_F(JobRunnerTest, IgnoredSignalsOfTheAgentAreNotIgnoredInTheScript) {
  struct sigaction ignore {};

  ignore.sa_handler = SIG_IGN;

  struct sigaction before {};

  ::sigaction(SIGPIPE, &ignore, &before);
  ASSERT_TRUE(Start("sigpipe", "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$$/status").ok());
  const auto ignored = Text(Result("sigpipe"), "stdout");
  ::sigaction(SIGPIPE, &before, nullptr);
  // 32 and 33 are glibc's own.
  EXPECT_EQ(std::stoull(ignored, nullptr, 16) & 0x7FFFFFFF, 0u) << ignored;
}

TEST_F(JobRunnerTest, TimeoutKillsTheWholeGroupAlsoWhoIgnoresSigterm) {
  const auto pipe = MakePipe("pids");
  ASSERT_TRUE(
      Start("deadline",
            fmt::format("(trap '' TERM; sh -c 'echo $PPID > {0}'; while :; do sleep 100; done) & "
                        "echo before; wait",
                        pipe->path()),
            absl::Seconds(2))
          .ok());
  WatchedProcess child(loop_.home(), loop_.Run(pipe->Line()));
  const auto result = Result("deadline");
  EXPECT_EQ(Text(result, "status"), "timed_out");
  EXPECT_EQ(Text(result, "stdout"), "before\n");
  EXPECT_EQ(Number(result, "exitCode"), 143);
  EXPECT_THAT(Text(result, "errorMessage"), HasSubstr("longer than 2s"));
  EXPECT_TRUE(loop_.Run(child.Ended()));
}

TEST_F(JobRunnerTest, TimeoutAlsoFindsWhoLeftTheGroup) {
  const auto pipe = MakePipe("escaped");
  ASSERT_TRUE(
      Start("escape",
            fmt::format("setsid sh -c 'echo $$ > {}; trap \"\" TERM; while :; do sleep 100; done' "
                        ">/dev/null 2>&1 & wait",
                        pipe->path()),
            absl::Seconds(2))
          .ok());
  WatchedProcess child(loop_.home(), loop_.Run(pipe->Line()));
  EXPECT_EQ(Text(Result("escape"), "status"), "timed_out");
  EXPECT_TRUE(loop_.Run(child.Ended()));
}

TEST_F(JobRunnerTest, WhatAScriptLeavesBehindEndsWithIt) {
  const auto pipe = MakePipe("left");
  ASSERT_TRUE(Start("left", fmt::format("sleep 1000 & echo $! > {}; exit 0", pipe->path())).ok());
  WatchedProcess child(loop_.home(), loop_.Run(pipe->Line()));
  EXPECT_EQ(Text(Result("left"), "status"), "succeeded");
  EXPECT_TRUE(loop_.Run(child.Ended()));
}

TEST_F(JobRunnerTest, TenMegabytesKeepTheirTailAndTheirCount) {
  ASSERT_TRUE(Start("big", "head -c 10485760 /dev/zero | tr '\\0' a; printf END").ok());
  const auto result = Result("big");
  EXPECT_EQ(Text(result, "status"), "succeeded");
  EXPECT_THAT(Text(result, "stdout"), EndsWith("aaaEND"));
  EXPECT_LE(Text(result, "stdout").size(), limits::kJobOutputKeptBytes);
  EXPECT_GE(Text(result, "stdout").size(), limits::kJobOutputKeptBytes - 4);
  EXPECT_EQ(Known("big").record.stdout_bytes, 10485763u);
}

TEST_F(JobRunnerTest, OutputThatIsNotUtf8) {
  ASSERT_TRUE(Start("binary", "printf 'a\\377\\000b\\303\\244'").ok());
  EXPECT_EQ(Text(Result("binary"), "stdout"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b\xC3\xA4");
}

TEST_F(JobRunnerTest, OutputIsSeenWhileItRuns) {
  const auto pipe = MakePipe("half");
  const auto gate = MakePipe("gate");
  ASSERT_TRUE(Start("live", fmt::format("echo first; echo here > {}; read x < {}; echo $x",
                                        pipe->path(), gate->path()))
                  .ok());
  loop_.Run(pipe->Line());
  EXPECT_EQ(Known("live").record.state, JobState::kRunning);
  gate->Write("second\n");
  EXPECT_EQ(Text(Result("live"), "stdout"), "first\nsecond\n");
  EXPECT_EQ(Known("live").outputs.stdout_tail, "first\nsecond\n");
}

TEST_F(JobRunnerTest, CancelWhileItRuns) {
  const auto pipe = MakePipe("running");
  ASSERT_TRUE(Start("cancel", fmt::format("echo $$ > {}; sleep 1000", pipe->path())).ok());
  WatchedProcess script(loop_.home(), loop_.Run(pipe->Line()));
  ASSERT_TRUE(loop_.Run(life_.runner->CancelJob(Id("cancel"))).ok());
  const auto result = Result("cancel");
  EXPECT_EQ(Text(result, "status"), "cancelled");
  EXPECT_TRUE(loop_.Run(script.Ended()));
  const auto again = loop_.Run(life_.runner->CancelJob(Id("cancel")));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->state, JobState::kCancelled);
}

TEST_F(JobRunnerTest, UnknownJobsAreNotFound) {
  EXPECT_TRUE(absl::IsNotFound(loop_.Run(life_.runner->CancelJob("nobody")).status()));
  EXPECT_TRUE(absl::IsNotFound(loop_.Run(life_.runner->GetJob("nobody")).status()));
}

TEST_F(JobRunnerTest, FourRunAtOnceTheFifthWaitsAndCanBeCancelledUnseen) {
  const auto pipe = MakePipe("started");
  const auto gate = MakePipe("gate");
  const auto script = fmt::format("echo on > {}; read x < {}", pipe->path(), gate->path());
  for (const char* name : {"one", "two", "three", "four"})
    ASSERT_TRUE(Start(name, script).ok());
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(loop_.Run(pipe->Line()), "on");
  const std::string witness = folder_ / "witness";
  ASSERT_EQ(Start("five", "touch " + witness)->state, JobState::kQueued);
  ASSERT_EQ(Start("six", "exit 6")->state, JobState::kQueued);
  EXPECT_EQ(loop_.Run(life_.runner->CancelJob(Id("five")))->state, JobState::kCancelled);
  EXPECT_EQ(Text(Result("five"), "errorMessage"), "the job was cancelled before it began");
  gate->Write("go\n");
  EXPECT_EQ(Number(Result("six"), "exitCode"), 6);
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST_F(JobRunnerTest, SameIdTwiceRunsOnce) {
  const std::string counter = folder_ / "counter";
  const auto script = "echo x >> " + counter;
  ASSERT_TRUE(Start("twice", script).ok());
  ASSERT_TRUE(Start("twice", script).ok());
  EXPECT_EQ(Text(Result("twice"), "status"), "succeeded");
  const auto later = Start("twice", script);
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->state, JobState::kSucceeded);
  ASSERT_TRUE(Start("after", "true").ok());
  EXPECT_EQ(Text(Result("after"), "status"), "succeeded");
  EXPECT_EQ(std::filesystem::file_size(counter), 2u);
  EXPECT_EQ(life_.events.Count("job.result", Id("twice")), 1u);
}

TEST_F(JobRunnerTest, JobsThatAreNotAllowed) {
  life_.runner->SetRefusal("jobs are not allowed here");
  const std::string witness = folder_ / "witness";
  const auto status = Start("denied", "touch " + witness).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  const auto result = Result("denied");
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_EQ(Text(result, "errorMessage"), "jobs are not allowed here");
  life_.runner->SetRefusal("");
  EXPECT_EQ(Start("denied", "touch " + witness)->state, JobState::kFailed);  // Judged once.
  ASSERT_TRUE(Start("allowed", "true").ok());
  EXPECT_EQ(Text(Result("allowed"), "status"), "succeeded");
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST_F(JobRunnerTest, OrdersThatAreNotBelievedAreRefusedWithAResult) {
  const auto why = absl::PermissionDeniedError("the order is not signed");
  EXPECT_EQ(loop_.Run(life_.runner->RefuseJob(Id("forged"), why)), why);
  EXPECT_EQ(Text(Result("forged"), "errorMessage"), "the order is not signed");
  EXPECT_EQ(loop_.Run(life_.runner->RefuseJob("../../etc", why)), why);
  EXPECT_EQ(life_.events.Count("job.result"), 1u);
}

TEST_F(JobRunnerTest, ARefusalTouchesNoJobThatIsKnown) {
  ASSERT_TRUE(Start("known", "true").ok());
  EXPECT_EQ(Text(Result("known"), "status"), "succeeded");
  const auto why = absl::PermissionDeniedError("the order is not signed");
  EXPECT_EQ(loop_.Run(life_.runner->RefuseJob(Id("known"), why)), why);
  EXPECT_EQ(Known("known").record.state, JobState::kSucceeded);
  EXPECT_EQ(life_.events.Count("job.result", Id("known")), 1u);
}

TEST_F(JobRunnerTest, InterpreterThatIsNotThere) {
  const auto job = testing::ScriptJob(Id("lost"), "x", absl::Seconds(9), "/no/such/interpreter");
  ASSERT_TRUE(loop_.Run(life_.runner->StartJob(job)).ok());
  const auto result = Result("lost");
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_EQ(Number(result, "exitCode"), -1);
  EXPECT_THAT(Text(result, "errorMessage"), HasSubstr("/no/such/interpreter"));
}

TEST_F(JobRunnerTest, HostileScriptIsNoArgument) {
  ASSERT_TRUE(Start("hostile", "$(touch pwned); \"; exit 1; # `id`\n").ok());
  EXPECT_EQ(Text(Result("hostile"), "status"),
            "failed");  // Its own shell refuses it, no other one read it.
}

TEST_F(JobRunnerTest, QueueIsBounded) {
  const auto pipe = MakePipe("started");
  const auto script = fmt::format("echo on > {}; sleep 1000", pipe->path());
  for (const char* name : {"one", "two", "three", "four"})
    ASSERT_TRUE(Start(name, script).ok());
  for (int i = 0; i < 4; ++i)
    loop_.Run(pipe->Line());
  for (std::size_t i = 0; i < limits::kMaxQueuedJobs; ++i) {
    ASSERT_TRUE(Start("queued" + std::to_string(i), "true").ok()) << i;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Start("over", "true").status()));
  EXPECT_THAT(Text(Result("over"), "errorMessage"), HasSubstr("1000 jobs"));
}

}  // namespace
}  // namespace tentacle::agent
