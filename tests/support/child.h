// A program that a test starts, hears and ends.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace tentacle::testing {

class Child {
 public:
  // The first argument is the program's path; its stdout is heard here.
  explicit Child(const std::vector<std::string>& args) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    std::vector<char*> argv;
    for (const std::string& arg : args)
      argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
  }

  ~Child() {
    Kill();
    ::close(out_);
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next line without its end; false when there will be none, or none came in time.
  bool ReadLine(std::string& line, std::chrono::milliseconds wait = std::chrono::seconds(30)) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
      if (const std::size_t end = heard_.find('\n'); end != std::string::npos) {
        line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return true;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd ready{out_, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
      char buffer[4096];
      const ssize_t size = ::read(out_, buffer, sizeof buffer);
      if (size <= 0) return false;
      heard_.append(buffer, static_cast<std::size_t>(size));
    }
  }

  // Everything up to its end.
  std::string ReadAll() {
    std::string all;
    std::string line;
    while (ReadLine(line))
      all += line + "\n";
    return all;
  }

  void Signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
  }

  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    Wait();
  }

  // Its exit code, or minus the signal that ended it.
  int Wait() {
    if (pid_ <= 0) return code_;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return code_;
  }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int code_ = 0;
  std::string heard_;
};

}  // namespace tentacle::testing
