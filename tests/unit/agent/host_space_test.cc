// A host around a container, seen from inside: another process is the host's first one, with a
// mount and a UTS namespace of its own, in which a folder holds what is not to be seen here.
#include "services/agent/host_space.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/text/view.h"
#include "services/agent/host_tool.h"
#include "services/agent/pty.h"
#include "services/agent/root_files.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Life;
using testing::ParsedJob;
using testing::TestLoop;
using testing::Text;

constexpr char kHostName[] = "the-host";

// The host's first process: it ends with us, or with what is written to it.
class FirstProcess {
 public:
  // `folder` gets a file system that only it sees.
  explicit FirstProcess(const std::string& folder) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return;
    const std::string script = fmt::format(
        "set -e; mount -t tmpfs host {0}; echo there >{0}/file; hostname {1}; "
        "echo ready; exec sleep 600",
        folder, kHostName);
    const char* argv[] = {"unshare", "--mount", "--uts",        "--ipc",
                          "sh",      "-c",      script.c_str(), nullptr};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ready[1], STDOUT_FILENO);
      ::execvp(argv[0], const_cast<char* const*>(argv));  // Not written to.
      ::_exit(127);
    }
    ::close(ready[1]);
    char word[8];
    ready_ = ::read(ready[0], word, sizeof word) > 0;
    ::close(ready[0]);
  }

  ~FirstProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  FirstProcess(const FirstProcess&) = delete;
  FirstProcess& operator=(const FirstProcess&) = delete;

  pid_t pid() const { return pid_; }

  bool ready() const { return ready_; }

  std::string root() const { return fmt::format("/proc/{}/root", pid_); }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

class HostAround : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may enter namespaces";
    first_ = std::make_unique<FirstProcess>(folder_.path());
    if (!first_->ready()) GTEST_SKIP() << "no namespaces can be made here";
    auto space = HostSpace::Around(first_->root(), first_->pid());
    ASSERT_TRUE(space.ok()) << space.status();
    host_ = std::make_shared<const HostSpace>(*std::move(space));
  }

  absl::StatusOr<std::string> Run(std::vector<std::string> argv) {
    HostTool tool;
    tool.argv = std::move(argv);
    tool.host = host_;
    return loop_.Run(RunHostTool(loop_.home(), loop_.pool(), std::move(tool)));
  }

  TestLoop loop_;
  TempDir folder_;
  std::unique_ptr<FirstProcess> first_;
  HostSpacePtr host_;
};

TEST_F(HostAround, ItsFilesAreBelowItsRoot) {
  std::ifstream file(host_->Here(folder_ / "file"));
  std::string word;
  file >> word;
  EXPECT_EQ(word, "there");
  EXPECT_EQ(host_->There(host_->Here("/var/tmp")), "/var/tmp");
  EXPECT_FALSE(std::ifstream(folder_ / "file").good()) << "our own has it as well";
}

// "/etc/resolv.conf" may be a link to "/run/...", which is the host's and not ours.
TEST_F(HostAround, ItsLinksLeadToItsOwnFiles) {
  const auto made = Run({"/bin/ln", "-s", folder_ / "file", folder_ / "link"});
  ASSERT_TRUE(made.ok()) << made.status();
  const RootFiles files(host_->root());
  EXPECT_EQ(files.ReadOrEmpty(folder_ / "link"), "there\n");
  EXPECT_TRUE(files.Exists(folder_ / "link"));
  EXPECT_EQ(files.LinkName(folder_ / "link"), "file");
  EXPECT_THAT(files.List(folder_.path()), ElementsAre("file", "link"));
  EXPECT_FALSE(RootFiles("/").Exists(folder_ / "link"));
}

TEST(RootFilesTest, NoLinkLeadsOutOfTheRoot) {
  const TempDir folder;
  std::filesystem::create_directories(folder / "root/etc");
  std::ofstream(folder / "outside") << "outside";
  std::filesystem::create_symlink("../../outside", folder / "root/etc/near");
  std::filesystem::create_symlink(folder / "outside", folder / "root/etc/far");
  const RootFiles files(folder / "root");
  for (const char* path : {"/etc/near", "/etc/far", "/../outside", "/etc/../../outside"})
    EXPECT_FALSE(files.Exists(path)) << path;
  EXPECT_TRUE(files.Exists("/etc"));
}

TEST_F(HostAround, ItsProgramsSeeWhatItSees) {
  EXPECT_EQ(Run({"/bin/cat", folder_ / "file"}).value_or("nothing"), "there\n");
  EXPECT_EQ(Run({"/bin/uname", "-n"}).value_or("nothing"), std::string(kHostName) + "\n");
  for (const char* name : {"mnt", "uts", "ipc", "net", "cgroup"}) {
    const std::string link = fmt::format("/proc/{}/ns/{}", first_->pid(), name);
    EXPECT_EQ(Run({"/bin/readlink", fmt::format("/proc/self/ns/{}", name)}).value_or("nothing"),
              Run({"/bin/readlink", link}).value_or("nobody"));
  }
}

TEST_F(HostAround, WhatItDoesNotHaveIsNotFound) {
  const std::string ours = folder_ / "ours";
  std::ofstream(ours) << "#!/bin/sh\n";
  const auto printed = Run({ours});
  EXPECT_TRUE(absl::IsNotFound(printed.status())) << printed.status();
}

TEST_F(HostAround, JobsAreTheHosts) {
  Life life(loop_, folder_, {}, {}, host_);
  ASSERT_TRUE(loop_.Run(life.runner->Recover()).ok());
  const auto job = ParsedJob("around-1", {{"script",
                                           "cat ../../file\nuname -n\nid -u\nid -G\npwd\n"
                                           "cat \"$CREDENTIALS_DIRECTORY/word\""},
                                          {"interpreter", "/bin/sh"},
                                          {"credentials", {{"word", "secret"}}},
                                          {"timeoutSeconds", 20}});
  ASSERT_TRUE(loop_.Run(life.runner->StartJob(job)).ok());
  const auto result = loop_.Run(life.events.Nth("job.result", 1));
  const std::string groups = Run({"/usr/bin/id", "-G", "root"}).value_or("");
  EXPECT_EQ(Text(result, "stdout"), fmt::format("there\n{}\n0\n{}{}\nsecret", kHostName, groups,
                                                folder_ / "user-jobs/around-1"))
      << Text(result, "stderr") << Text(result, "errorMessage");
}

TEST_F(HostAround, AJobsUserIsOneOfTheHost) {
  Life life(loop_, folder_, {}, {}, host_);
  ASSERT_TRUE(loop_.Run(life.runner->Recover()).ok());
  ASSERT_TRUE(loop_
                  .Run(life.runner->StartJob(ParsedJob("around-2", {{"script", "id -un"},
                                                                    {"interpreter", "/bin/sh"},
                                                                    {"user", "nobody"},
                                                                    {"timeoutSeconds", 20}})))
                  .ok());
  EXPECT_EQ(Text(loop_.Run(life.events.Nth("job.result", 1)), "stdout"), "nobody\n");
  const auto unknown = loop_.Run(life.runner->StartJob(ParsedJob(
      "around-3", {{"script", "id -un"}, {"interpreter", "/bin/sh"}, {"user", "no-such-user"}})));
  ASSERT_TRUE(unknown.ok());
  EXPECT_THAT(Text(loop_.Run(life.events.Nth("job.result", 2)), "errorMessage"),
              HasSubstr("no user no-such-user"));
}

TEST_F(HostAround, AShellIsAtATerminalOfTheHost) {
  auto root = host_->FindUser("root");
  ASSERT_TRUE(root.ok()) << root.status();
  root->home = "/";  // What a login shell reads at home does what it likes.
  root->shell = "/bin/sh";
  const auto pty = OpenShell(host_, *root, {80, 24}, "around");
  ASSERT_TRUE(pty.ok()) << pty.status();
  const std::string typed = fmt::format("cat {}; tty; stty size; exit\n", folder_ / "file");
  ASSERT_EQ(::write(pty->master.get(), typed.data(), typed.size()),
            static_cast<ssize_t>(typed.size()));
  std::string said;
  pollfd wait{pty->master.get(), POLLIN, 0};
  char buffer[1024];
  while (::poll(&wait, 1, 20'000) > 0) {
    const ssize_t got = ::read(pty->master.get(), buffer, sizeof buffer);
    if (got <= 0) break;  // EIO: nobody has the other end any more.
    said.append(buffer, static_cast<std::size_t>(got));
  }
  ::waitpid(pty->process.pid, nullptr, 0);
  EXPECT_THAT(said, HasSubstr("there\r\n/dev/pts/"));
  EXPECT_THAT(said, HasSubstr("24 80\r\n"));
}

TEST_F(HostAround, AnotherFolderThanItsRootIsRefused) {
  const auto space = HostSpace::Around("/proc/", first_->pid());
  EXPECT_THAT(text::Message(space.status()), HasSubstr("/proc/ is not the host's root folder"));
  EXPECT_TRUE(absl::IsFailedPrecondition(space.status()));
}

TEST(HostSpaceTest, AProcessOfOurOwnIsNoHost) {
  const auto space = HostSpace::Around("/proc/self/root", ::getpid());
  EXPECT_TRUE(absl::IsFailedPrecondition(space.status()));
  EXPECT_THAT(text::Message(space.status()), HasSubstr("pid: host"));
}

TEST(HostSpaceTest, AProcessThatIsNotThereIsNamed) {
  const auto space = HostSpace::Around("/", 1 << 30);
  EXPECT_THAT(text::Message(space.status()), HasSubstr("/proc/1073741824/ns/mnt"));
}

TEST(HostSpaceTest, WhereTheAgentIsNothingIsEntered) {
  const HostSpace here;
  EXPECT_FALSE(here.is_around());
  EXPECT_TRUE(here.Enter());
  EXPECT_EQ(here.Here("/etc/passwd"), "/etc/passwd");
  EXPECT_EQ(here.There("/etc/passwd"), "/etc/passwd");
  EXPECT_EQ(here.root(), "/");
}

}  // namespace
}  // namespace tentacle::agent
