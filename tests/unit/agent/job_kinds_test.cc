// What an order may say beside a script: commands, users, files, ceilings, attempts, times.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/job_command.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::JobRunnerTest;
using testing::Life;
using testing::Number;
using testing::ParsedJob;
using testing::Text;
using testing::WatchedProcess;
namespace json = boost::json;

using JobKinds = JobRunnerTest;

TEST_F(JobKinds, ACommandIsAListAndNoShellReadsIt) {
  const json::array command{"/bin/echo", "$(id)", "a;b", "'", "*", ""};
  ASSERT_TRUE(Order("argv", {{"type", "command"}, {"command", command}}).ok());
  EXPECT_EQ(Text(Result("argv"), "stdout"), "$(id) a;b ' * \n");
}

TEST_F(JobKinds, ArgumentsEnvironmentFilesInputAndFolder) {
  ASSERT_TRUE(
      Order("all",
            {{"script", "echo \"$1|$2|$GREETING\"; cat data.txt -; ./tool; pwd"},
             {"arguments", json::array{"a b", "$HOME"}},
             {"environment", {{"GREETING", "hi\nthere"}}},
             {"files", json::array{json::object{{"name", "data.txt"}, {"content", "kept\n"}},
                                   json::object{{"name", "tool"},
                                                {"contentBase64", "IyEvYmluL3NoCmVjaG8gdG9vbAo="},
                                                {"executable", true}}}},
             {"input", "typed\n"}})
          .ok());
  EXPECT_EQ(
      Text(Result("all"), "stdout"),
      fmt::format("a b|$HOME|hi\nthere\nkept\ntyped\ntool\n{}/{}\n", folder_ / "jobs", Id("all")));
}

TEST_F(JobKinds, RunsAsTheUserInAFolderOfItsOwn) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become somebody else";
  std::filesystem::permissions(folder_ / ".", std::filesystem::perms(0711));
  ASSERT_TRUE(Order("user", {{"script",
                              "id -un; id -Gn; echo $HOME $USER; touch mine; ls; cat /etc/shadow"},
                             {"user", "nobody"}})
                  .ok());
  const auto result = Result("user");
  EXPECT_EQ(Text(result, "stdout"), "nobody\nnogroup\n/nonexistent nobody\nmine\nscript\n")
      << Text(result, "stderr");
  EXPECT_THAT(Text(result, "stderr"), HasSubstr("Permission denied"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("user-jobs/" + Id("user"))));
}

TEST_F(JobKinds, AUserThatIsNotThere) {
  ASSERT_TRUE(Order("nouser", {{"script", "true"}, {"user", "no-such-user"}}).ok());
  EXPECT_THAT(Text(Result("nouser"), "errorMessage"), HasSubstr("no-such-user"));
}

TEST_F(JobKinds, ABinaryAsAScriptFailsByItsInterpreter) {
  ASSERT_TRUE(Order("binary", {{"script",
                                "\x7f"
                                "ELF\x01\x02 not a script"}})
                  .ok());
  const auto result = Result("binary");
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_NE(Number(result, "exitCode"), 0);
}

TEST_F(JobKinds, FailuresAreTriedAgainAsOftenAsTheOrderSays) {
  const std::string counter = folder_ / "counter";
  const std::string script = fmt::format("echo x >> {0}; test $(wc -l < {0}) -ge 3", counter);
  ASSERT_TRUE(Order("again", {{"script", script}, {"retries", 5}, {"retryDelaySeconds", 0}}).ok());
  const auto result = Result("again");
  EXPECT_EQ(Text(result, "status"), "succeeded");
  EXPECT_EQ(Number(result, "attempts"), 3);
  ASSERT_TRUE(
      Order("never", {{"script", "exit 3"}, {"retries", 1}, {"retryDelaySeconds", 0}}).ok());
  const auto failed = Result("never");
  EXPECT_EQ(Number(failed, "exitCode"), 3);
  EXPECT_EQ(Number(failed, "attempts"), 2);
}

TEST_F(JobKinds, ARetryThatWaitsCanBeCancelled) {
  ASSERT_TRUE(
      Order("waits", {{"script", "exit 3"}, {"retries", 9}, {"retryDelaySeconds", 3600}}).ok());
  // Its first attempt is over when it is queued again.
  while (Known("waits").record.state != JobState::kQueued || Known("waits").record.attempt == 0) {
  }
  ASSERT_TRUE(loop_.Run(life_.runner->CancelJob(Id("waits"))).ok());
  EXPECT_EQ(Text(Result("waits"), "status"), "cancelled");
}

TEST_F(JobKinds, AScheduleIsKeptAndWhatIsLateExpires) {
  const absl::Time due = absl::Now() + absl::Milliseconds(300);
  const auto at = [](absl::Time time) {
    return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
  };
  ASSERT_TRUE(Order("later", {{"script", "date +%s%3N"}, {"notBefore", at(due)}}).ok());
  EXPECT_EQ(Known("later").record.state, JobState::kQueued);
  ASSERT_TRUE(Order("late", {{"script", "true"},
                             {"notBefore", at(absl::Now() + absl::Hours(1))},
                             {"notAfter", at(absl::Now() + absl::Milliseconds(100))}})
                  .ok());
  EXPECT_EQ(Text(Result("late"), "status"), "expired");
  EXPECT_GE(std::stoll(Text(Result("later"), "stdout")), absl::ToUnixMillis(due));
}

TEST_F(JobKinds, WithoutControlGroupsACeilingThatCannotBeKeptIsRefused) {
  ASSERT_TRUE(Order("ceiling", {{"script", "true"}, {"limits", {{"processes", 10}}}}).ok());
  EXPECT_THAT(Text(Result("ceiling"), "errorMessage"), HasSubstr("control groups"));
  ASSERT_TRUE(
      Order("memory", {{"script", "ulimit -v"}, {"limits", {{"memoryBytes", 1 << 30}}}}).ok());
  EXPECT_EQ(Text(Result("memory"), "stdout"), "1048576\n");
}

// The kernel's own ceilings; needs root and writable control groups.
class JobFences : public JobRunnerTest {
 protected:
  void SetUp() override {
    places_ = FindCgroups("/sys/fs/cgroup");
    if (!places_.complete()) GTEST_SKIP() << "no control groups can be made here";
    fenced_ = std::make_unique<Life>(loop_, folder_,
                                     std::map<std::string, std::string, std::less<>>{}, places_);
    Recover(*fenced_);
  }

  void TearDown() override {
    fenced_.reset();
    RemoveCgroupParents(places_);
    for (const auto& place : {places_.memory, places_.pids, places_.cpu})
      EXPECT_FALSE(!place.empty() && std::filesystem::exists(place)) << place;
  }

  json::object Run(const std::string& name, json::object fields) {
    EXPECT_TRUE(loop_.Run(fenced_->runner->StartJob(ParsedJob(Id(name), std::move(fields)))).ok());
    return loop_.Run(fenced_->events.Nth("job.result", 1, Id(name)));
  }

  CgroupPlaces places_;
  std::unique_ptr<Life> fenced_;
};

TEST_F(JobFences, AForkBombStaysWithinItsCeiling) {
  const auto result = Run("bomb", {{"script", "bomb() { bomb | bomb & }; bomb; sleep 100"},
                                   {"limits", {{"processes", 30}}},
                                   {"timeoutSeconds", 2}});
  EXPECT_THAT(Text(result, "status"), ::testing::AnyOf("timed_out", "failed"));
  EXPECT_EQ(Text(Run("after", {{"script", "echo alive"}}), "stdout"), "alive\n");
}

TEST_F(JobFences, MemoryBeyondTheCeilingEndsTheJobAndSaysSo) {
  const auto result =
      Run("hungry", {{"script", "x=$(head -c 300000000 /dev/zero | tr '\\0' a); echo ${#x}"},
                     {"limits", {{"memoryBytes", 64 << 20}}}});
  EXPECT_EQ(Text(result, "status"), "failed");
  EXPECT_THAT(Text(result, "errorMessage"), HasSubstr("memory was used up"));
}

TEST_F(JobFences, WhoeverLeftTheSessionEndsWithTheJob) {
  const auto pipe = MakePipe("daemon");
  const std::string script = fmt::format(
      "mkfifo up; env -i /usr/bin/setsid /bin/sh -c 'echo $$ > {}; echo > up; exec sleep 1000' "
      ">/dev/null 2>&1 & read -r _ < up; exit 0",
      pipe->path());
  ASSERT_TRUE(
      loop_.Run(fenced_->runner->StartJob(ParsedJob(Id("daemon"), {{"script", script}}))).ok());
  const auto line = loop_.Run(pipe->Line());
  const auto result = loop_.Run(fenced_->events.Nth("job.result", 1, Id("daemon")));
  EXPECT_EQ(Text(result, "status"), "succeeded");
  EXPECT_FALSE(std::filesystem::exists(fmt::format("/proc/{}/exe", line)));
}

TEST(JobCommand, PackagesAndServicesAreArguments) {
  const auto argv = [](json::object fields, PackageTool tool) {
    return CommandFor(ParsedJob("j", std::move(fields)), "/x/script", tool)->argv;
  };
  const json::object install{
      {"type", "package"}, {"action", "install"}, {"packages", json::array{"g++", "libc6:i386"}}};
  EXPECT_THAT(argv(install, PackageTool::kDnf),
              ElementsAre("/usr/bin/dnf", "-y", "-q", "install", "--", "g++", "libc6:i386"));
  auto apt = argv(install, PackageTool::kApt);
  EXPECT_EQ(apt.front(), "/usr/bin/apt-get");
  apt.erase(apt.begin(), apt.end() - 4);
  EXPECT_THAT(apt, ElementsAre("install", "--", "g++", "libc6:i386"));
  EXPECT_EQ(argv({{"type", "package"}, {"action", "upgrade"}}, PackageTool::kApt).back(),
            "upgrade");
  EXPECT_THAT(
      argv({{"type", "service"}, {"action", "restart"}, {"unit", "ssh.service"}},
           PackageTool::kNone),
      ElementsAre("/usr/bin/systemctl", "--no-ask-password", "restart", "--", "ssh.service"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      CommandFor(ParsedJob("j", install), "", PackageTool::kNone).status()));
}

TEST(JobOrder, HostileNamesAreRefusedByName) {
  const auto why = [](json::object fields) {
    fields["id"] = "j";
    return std::string(backend_link::ParseJob(fields).status().message());
  };
  for (const char* name : {"", "-y", "--allow-downgrades", "a;id", "$(id)", "a b", "bash-", "../x",
                           "a\nb", "`id`", "/etc/passwd", "a*", "a|b", "\xC3\xA4", "^all"}) {
    EXPECT_THAT(why({{"type", "package"}, {"action", "remove"}, {"packages", json::array{name}}}),
                HasSubstr("packages"))
        << name;
  }
  for (const char* unit : {"", "ssh", "-x.service", "a b.service", "../a.service", "a;b.service",
                           ".service", "x.exe"}) {
    EXPECT_THAT(why({{"type", "service"}, {"action", "stop"}, {"unit", unit}}), HasSubstr("unit"))
        << unit;
  }
  for (const char* user : {"a b", "-x", "root:x", "0", "../x", "$USER"}) {
    EXPECT_THAT(why({{"script", "true"}, {"user", user}}), HasSubstr("user")) << user;
  }
  for (const char* variable : {"", "A=B", "1A", "LD_PRELOAD", "TENTACLE_JOB_ID", "A B", "A-B"}) {
    EXPECT_THAT(why({{"script", "true"}, {"environment", {{variable, "x"}}}}),
                HasSubstr("environment"))
        << variable;
  }
  for (const char* file : {"", "../x", "a/b", ".ssh", "script"}) {
    EXPECT_THAT(why({{"script", "true"},
                     {"files", json::array{json::object{{"name", file}, {"content", ""}}}}}),
                HasSubstr("files"))
        << file;
  }
  EXPECT_THAT(why({{"script", ""}}), HasSubstr("script"));
  EXPECT_THAT(why({{"script", std::string("a\0b", 3)}}), HasSubstr("NUL"));
  EXPECT_THAT(why({{"script", "true"}, {"interpreter", "sh"}}), HasSubstr("interpreter"));
  EXPECT_THAT(why({{"type", "command"}, {"command", json::array{"ls"}}}), HasSubstr("command"));
  EXPECT_THAT(why({{"type", "dance"}}), HasSubstr("type"));
  EXPECT_THAT(why({{"script", "true"}, {"timeoutSeconds", 24 * 3600 + 1}}),
              HasSubstr("timeoutSeconds"));
  EXPECT_THAT(why({{"script", "true"}, {"timeoutSeconds", -1}}), HasSubstr("timeoutSeconds"));
  EXPECT_THAT(why({{"script", "true"}, {"retries", 11}}), HasSubstr("retries"));
  EXPECT_THAT(why({{"script", "true"}, {"notAfter", "soon"}}), HasSubstr("notAfter"));
  EXPECT_THAT(why({{"script", "true"}, {"limits", {{"processes", "many"}}}}), HasSubstr("limits"));
  EXPECT_THAT(why({{"script", "true"}, {"workingDirectory", "tmp"}}),
              HasSubstr("workingDirectory"));
}

TEST(JobOrder, IsReadBackAsItWasWritten) {
  const auto job =
      ParsedJob("j-1", {{"script", "echo \"\xE2\x82\xAC\"\n"},
                        {"arguments", json::array{"a", ""}},
                        {"environment", {{"A", "b"}}},
                        {"user", "www-data"},
                        {"files", json::array{json::object{{"name", "f"}, {"content", "x"}}}},
                        {"limits", {{"memoryBytes", 1}, {"cpuPercent", 2}, {"processes", 3}}},
                        {"retries", 2},
                        {"notBefore", "2026-11-25T10:00:00Z"},
                        {"notAfter", "2026-11-26T10:00:00Z"}});
  const auto again = backend_link::ParseJob(backend_link::JobJson(job));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, job);
}

}  // namespace
}  // namespace tentacle::agent
