#include "services/agent/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include <absl/cleanup/cleanup.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// A descriptor that is closed unless it is released.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}

  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}

  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

absl::StatusOr<Pipe> OpenPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  // posix_spawn takes char* const* and does not write (POSIX, exec family).
  for (const auto& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// glibc 2.36 has no wrapper.
int PidfdOpen(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

int SetUpAttributes(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = ::posix_spawnattr_setsigmask(&attributes, &none);
  // Ignored signals (SIGPIPE) would stay ignored in the script.
  if (error == 0) error = ::posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own has a process group of its own, which nobody outside can join.
  constexpr short kFlags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (error == 0) error = ::posix_spawnattr_setflags(&attributes, kFlags);
  return error;
}

int SetUpFiles(posix_spawn_file_actions_t& actions,
               const ProcessSpec& spec,
               int output,
               int error_output) {
  int error = ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (error == 0) error = ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (error == 0) error = ::posix_spawn_file_actions_adddup2(&actions, error_output, STDERR_FILENO);
  // Libraries do not always set FD_CLOEXEC; no socket or database of ours gets into a script.
  if (error == 0) error = ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  if (error == 0)
    error = ::posix_spawn_file_actions_addchdir_np(&actions, spec.working_dir.c_str());
  return error;
}

}  // namespace

struct ChildProcess::Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd output;
  UniqueFd error;
};

absl::StatusOr<ChildProcess::Spawned> ChildProcess::Spawn(const ProcessSpec& spec) {
  auto output = OpenPipe();
  if (!output.ok()) return output.status();
  auto error = OpenPipe();
  if (!error.ok()) return error.status();

  posix_spawnattr_t attributes;
  if (const int code = ::posix_spawnattr_init(&attributes); code != 0) {
    return absl::ErrnoToStatus(code, "posix_spawnattr_init");
  }
  const absl::Cleanup free_attributes = [&] { ::posix_spawnattr_destroy(&attributes); };
  posix_spawn_file_actions_t actions;
  if (const int code = ::posix_spawn_file_actions_init(&actions); code != 0) {
    return absl::ErrnoToStatus(code, "posix_spawn_file_actions_init");
  }
  const absl::Cleanup free_actions = [&] { ::posix_spawn_file_actions_destroy(&actions); };
  int code = SetUpAttributes(attributes);
  if (code == 0) code = SetUpFiles(actions, spec, output->write.get(), error->write.get());
  if (code != 0) return absl::ErrnoToStatus(code, "preparing the process");

  Spawned spawned;
  const auto argv = Pointers(spec.argv);
  const auto environment = Pointers(spec.environment);
  code =
      ::posix_spawn(&spawned.pid, argv[0], &actions, &attributes, argv.data(), environment.data());
  if (code != 0) return absl::ErrnoToStatus(code, fmt::format("cannot execute {}", spec.argv[0]));
  // Our child and not reaped: the number is still its own.
  spawned.pidfd = UniqueFd(PidfdOpen(spawned.pid));
  if (spawned.pidfd.get() < 0) {
    const int why = errno;
    ::kill(-spawned.pid, SIGKILL);
    ::waitpid(spawned.pid, nullptr, 0);
    return absl::ErrnoToStatus(why, "pidfd_open (Linux 5.3 is needed)");
  }
  spawned.output = std::move(output->read);
  spawned.error = std::move(error->read);
  return spawned;
}

asio::awaitable<absl::StatusOr<std::shared_ptr<ChildProcess>>> ChildProcess::Start(
    asio::any_io_executor home, asio::thread_pool& blocking, ProcessSpec spec) {
  if (spec.argv.empty()) co_return absl::InvalidArgumentError("no program to execute");
  auto spawn = [&spec] { return Spawn(spec); };
  auto spawned = co_await async::OnPool(blocking, spawn);
  if (!spawned.ok()) co_return spawned.status();
  std::shared_ptr<ChildProcess> process(
      new ChildProcess(home, *std::move(spawned), std::move(spec)));
  auto* raw = process.get();
  auto read_output = ReadPipe(process, &raw->output_pipe_, &raw->output_, &raw->output_at_end_);
  auto read_error = ReadPipe(process, &raw->error_pipe_, &raw->error_, &raw->error_at_end_);
  auto await_exit = AwaitExit(process);
  asio::co_spawn(home, std::move(read_output), asio::detached);
  asio::co_spawn(home, std::move(read_error), asio::detached);
  asio::co_spawn(home, std::move(await_exit), asio::detached);
  co_return process;
}

ChildProcess::ChildProcess(asio::any_io_executor home, Spawned spawned, ProcessSpec spec)
    : home_(home),
      spec_(std::move(spec)),
      pid_(spawned.pid),
      pidfd_(home, spawned.pidfd.Release()),
      output_pipe_(home, spawned.output.Release()),
      error_pipe_(home, spawned.error.Release()),
      changed_(home),
      output_(spec_.kept_output_bytes),
      error_(spec_.kept_output_bytes) {}

ChildProcess::~ChildProcess() {
  if (reaped_) return;
  SignalGroup(SIGKILL);
  ::waitpid(pid_, nullptr, WNOHANG);
}

asio::awaitable<void> ChildProcess::ReadPipe(std::shared_ptr<ChildProcess> self,
                                             asio::posix::stream_descriptor* pipe,
                                             JobOutput* output,
                                             bool* at_end) {
  constexpr std::size_t kReadBytes = 16 * 1024;  // A quarter of what a pipe holds.
  std::array<char, kReadBytes> buffer;
  for (;;) {
    const auto [error, bytes] = co_await pipe->async_read_some(asio::buffer(buffer), kTuple);
    output->Append({buffer.data(), bytes});
    if (error) break;
  }
  *at_end = true;
  self->changed_.cancel();
}

asio::awaitable<void> ChildProcess::AwaitExit(std::shared_ptr<ChildProcess> self) {
  const auto [error] =
      co_await self->pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
  if (error || self->reaped_) co_return;
  siginfo_t info{};
  // WNOWAIT leaves the zombie, and with it the number of the group, until the group has been
  // killed.
  if (::waitid(P_PID, static_cast<id_t>(self->pid_), &info, WEXITED | WNOWAIT) != 0) co_return;
  self->exited_ = true;
  self->end_.exited = true;
  if (info.si_code == CLD_EXITED) {
    self->end_.exit_code = info.si_status;
  } else {
    self->end_.signal = info.si_status;
  }
  self->changed_.cancel();
  if (self->waited_) self->Reap();  // Wait() had given it up.
}

asio::awaitable<bool> ChildProcess::Await(Condition condition, absl::Duration at_most) {
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(at_most);
  while (!(this->*condition)()) {
    if (std::chrono::steady_clock::now() >= until) co_return false;
    changed_.expires_at(until);
    co_await changed_.async_wait(kTuple);
  }
  co_return true;
}

asio::awaitable<ProcessEnd> ChildProcess::Wait(absl::Duration timeout) {
  const auto self = shared_from_this();
  co_await Await(&ChildProcess::ExitedOrCancelled, timeout);
  if (exited_) {
    co_await Await(&ChildProcess::Drained, spec_.drain_grace);
  } else {
    end_.cause = cancelled_ ? ProcessEnd::Cause::kCancelled : ProcessEnd::Cause::kDeadline;
    SignalGroup(SIGTERM);
    co_await Await(&ChildProcess::ExitedAndDrained, spec_.term_grace);
  }
  SignalGroup(SIGKILL);
  co_await Await(&ChildProcess::Exited, spec_.kill_wait);
  // What was written before the end is in the pipes still; who has left the group may hold them
  // open.
  if (exited_) co_await Await(&ChildProcess::Drained, spec_.drain_grace);
  waited_ = true;
  if (exited_) Reap();
  boost::system::error_code ignored;
  output_pipe_.close(ignored);
  error_pipe_.close(ignored);
  co_return end_;
}

void ChildProcess::Cancel() {
  cancelled_ = true;
  changed_.cancel();
}

void ChildProcess::Kill() {
  if (!reaped_) SignalGroup(SIGKILL);
}

void ChildProcess::SignalGroup(int signal) const {
  ::kill(-pid_, signal);
}

void ChildProcess::Reap() {
  ::waitpid(pid_, nullptr, WNOHANG);
  reaped_ = true;
  boost::system::error_code ignored;
  pidfd_.close(ignored);
}

}  // namespace tentacle::agent
