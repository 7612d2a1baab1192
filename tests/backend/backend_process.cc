#include "tests/backend/backend_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {

namespace {

// The child ends with its parent's file descriptors closed and its words in `log`.
pid_t Start(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : words)
    argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

std::string TestSetting(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    ADD_FAILURE() << name << " is not set: start this program with tests/backend/hub_test.sh";
    std::abort();
  }
  return value;
}

BackendProcess::BackendProcess(const std::filesystem::path& dir,
                               const std::vector<std::string>& options) {
  static int count = 0;
  log_ = dir / fmt::format("log-{}", count++);
  std::vector<std::string> words{TestSetting("OCTOFLEET_TEST_BACKEND"),
                                 "--listen",
                                 "127.0.0.1:0",
                                 "--database",
                                 TestSetting("OCTOFLEET_TEST_DATABASE"),
                                 "--image-dir",
                                 dir / "images",
                                 "--web-dir",
                                 dir / "web",
                                 "--api-key-file",
                                 dir / "key"};
  words.insert(words.end(), options.begin(), options.end());
  pid_ = Start(words, log_);
  const std::string sign = "\"port\":";
  const bool started = Bench::Until([&] { return Log().find(sign) != std::string::npos; });
  if (!started) {
    ADD_FAILURE() << "the backend did not start: " << Log();
    std::abort();
  }
  const std::string log = Log();
  base_ = fmt::format("http://127.0.0.1:{}", std::atoi(log.c_str() + log.find(sign) + sign.size()));
}

BackendProcess::~BackendProcess() {
  Terminate();
}

void BackendProcess::Kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void BackendProcess::Terminate() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  // Sanitizers speak up at the end.
  if (status != 0) {
    std::fprintf(stderr, "the backend ended with %d:\n%s\n", status, Log().c_str());
    std::_Exit(1);
  }
}

std::string BackendProcess::Log() const {
  std::stringstream text;
  text << std::ifstream(log_).rdbuf();
  return text.str();
}

}  // namespace tentacle::backend
