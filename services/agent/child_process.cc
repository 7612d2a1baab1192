#include "services/agent/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/store/durable_file.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

absl::StatusOr<Pipe> OpenPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What the program reads: whole before it starts, so that it never waits for us.
absl::StatusOr<UniqueFd> InputFile(const std::string& content) {
  UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
  if (file.get() < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  if (absl::Status put = store::WriteAll(file.get(), content, "standard input"); !put.ok())
    return put;
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return absl::ErrnoToStatus(errno, "standard input");
  return file;
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
  UniqueFd input;
  if (!spec.standard_input.empty()) {
    auto file = InputFile(spec.standard_input);
    if (!file.ok()) return file.status();
    input = *std::move(file);
  }
  LaunchSpec launch = spec;
  launch.input = input.get();
  launch.output = output->write.get();
  launch.error = error->write.get();
  auto launched = Launch(launch);
  if (!launched.ok()) return launched.status();
  return Spawned{launched->pid, std::move(launched->pidfd), std::move(output->read),
                 std::move(error->read)};
}

asio::awaitable<absl::StatusOr<std::shared_ptr<ChildProcess>>> ChildProcess::Start(
    asio::any_io_executor home, asio::thread_pool& blocking, ProcessSpec spec) {
  auto spawn = [&spec] { return Spawn(spec); };
  auto spawned = co_await async::OnPool(blocking, spawn);
  if (!spawned.ok()) co_return spawned.status();
  std::shared_ptr<ChildProcess> process(
      new ChildProcess(home, *std::move(spawned), std::move(spec)));
  auto read_output = ReadPipe(process, OutputStream::kOut);
  auto read_error = ReadPipe(process, OutputStream::kError);
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
                                             OutputStream stream) {
  const bool is_output = stream == OutputStream::kOut;
  auto& pipe = is_output ? self->output_pipe_ : self->error_pipe_;
  auto& kept = is_output ? self->output_ : self->error_;
  auto& at_end = is_output ? self->output_at_end_ : self->error_at_end_;
  constexpr std::size_t kReadBytes = 16 * 1024;  // A quarter of what a pipe holds.
  std::array<char, kReadBytes> buffer;
  for (;;) {
    const auto [error, bytes] = co_await pipe.async_read_some(asio::buffer(buffer), kTuple);
    kept.Append({buffer.data(), bytes});
    if (bytes > 0 && self->spec_.on_output) self->spec_.on_output(stream, {buffer.data(), bytes});
    if (error) break;
  }
  at_end = true;
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
