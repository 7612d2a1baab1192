#include "cli/supervise.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cli/commands.h"
#include "cli/enroll.h"
#include "libs/runtime/log.h"

extern char** environ;

namespace tentacle::cli {

namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

constexpr int kExitUsage = 64;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kFirstDelay = seconds(1);
constexpr auto kMaxDelay = seconds(30);
constexpr auto kStable = seconds(60);     // Having run so long, the next delay is the first again.
constexpr auto kKillAfter = seconds(10);  // After SIGTERM.

struct Child {
  std::string service;
  pid_t pid = 0;  // 0: not running.
};

// Starts `octofleet-tentacle <service>`; the child inherits stdout, so that its log lines join
// ours.
pid_t Spawn(const std::string& service) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  // A supervisor that is killed must not leave services behind that nobody restarts.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  std::string program = "octofleet-tentacle";
  std::string argument = service;
  char* argv[] = {program.data(), argument.data(), nullptr};
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve("/proc/self/exe", argv, environ);
  ::_exit(127);
}

std::string Ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {}", WTERMSIG(status));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

// One thread, one io_context.
class Supervisor {
 public:
  Supervisor() : signals_(io_, SIGTERM, SIGINT), log_("all", runtime::LogLevel::kInfo) {
    for (const runtime::ServiceSpec* spec : Services()) {
      children_.push_back(std::make_unique<Child>(Child{std::string(spec->name)}));
    }
  }

  int Run() {
    for (const auto& child : children_) {
      auto keep = KeepRunning(*child);
      asio::co_spawn(io_, std::move(keep), asio::detached);
    }
    auto stop = StopOnSignal();
    asio::co_spawn(io_, std::move(stop), asio::detached);
    io_.run();
    return 0;
  }

 private:
  asio::awaitable<void> KeepRunning(Child& child) {
    std::chrono::steady_clock::duration delay = kFirstDelay;
    while (!stopping_) {
      const auto started = std::chrono::steady_clock::now();
      child.pid = Spawn(child.service);
      if (child.pid < 0) {
        log_.Error("supervisor.spawn_failed",
                   {{"child", child.service}, {"reason", std::strerror(errno)}});
      } else {
        const int status = co_await WaitFor(child);
        if (stopping_) break;
        if (std::chrono::steady_clock::now() - started > kStable) delay = kFirstDelay;
        log_.Warning("supervisor.child_ended",
                     {{"child", child.service},
                      {"reason", Ending(status)},
                      {"restart_in_s", std::chrono::duration_cast<seconds>(delay).count()}});
      }
      asio::steady_timer pause(io_, delay);
      co_await pause.async_wait(kTuple);
      delay = std::min<std::chrono::steady_clock::duration>(delay * 2, kMaxDelay);
    }
    if (std::none_of(children_.begin(), children_.end(),
                     [](const auto& one) { return one->pid > 0; }))
      io_.stop();
  }

  asio::awaitable<int> WaitFor(Child& child) {
    asio::posix::stream_descriptor pidfd(io_,
                                         static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    co_await pidfd.async_wait(asio::posix::descriptor_base::wait_read, kTuple);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    child.pid = 0;
    co_return status;
  }

  void SignalAll(int number) {
    for (const auto& child : children_) {
      if (child->pid > 0) ::kill(child->pid, number);
    }
  }

  asio::awaitable<void> StopOnSignal() {
    const auto [error, number] = co_await signals_.async_wait(kTuple);
    if (error) co_return;
    stopping_ = true;
    log_.Info("supervisor.stopping", {{"signal", number}});
    SignalAll(SIGTERM);
    asio::steady_timer grace(io_, kKillAfter);
    co_await grace.async_wait(kTuple);
    SignalAll(SIGKILL);
    io_.stop();
  }

  asio::io_context io_{1};
  asio::signal_set signals_;
  runtime::Log log_;
  std::vector<std::unique_ptr<Child>> children_;
  bool stopping_ = false;
};

}  // namespace

int Supervise(const std::vector<std::string>& args) {
  CLI::App app{
      "Run the five services under one supervisor; each is a process of its own and restarted when "
      "it ends"};
  app.name("octofleet-tentacle all");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  if (const int code = EnrollFromEnvironment(DefaultPaths()); code != 0) return code;
  return Supervisor().Run();
}

}  // namespace tentacle::cli
