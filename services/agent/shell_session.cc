#include "services/agent/shell_session.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "services/agent/core/rfc3339.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// What is read at once: two of them are in a frame of the wire even when every octet is escaped.
constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace

ShellSession::ShellSession(Parts parts, ShellOrder order, Pty pty)
    : parts_(std::move(parts)),
      order_(std::move(order)),
      pty_(std::move(pty)),
      terminal_(parts_.home, pty_.master.Release()),
      pidfd_(parts_.home, pty_.process.pidfd.Release()),
      changed_(parts_.home, asio::steady_timer::time_point::max()),
      drained_(parts_.home),
      recorder_(parts_.home),
      times_(parts_.home),
      recording_(parts_.clock.Now(),
                 order_.columns,
                 order_.rows,
                 fmt::format("{} ({})", order_.user, order_.reason)),
      opened_at_(parts_.clock.Now()),
      last_typed_(opened_at_) {}

ShellSession::~ShellSession() {
  if (exited_) return;
  ::kill(-pid(), SIGKILL);
  ::waitpid(pid(), nullptr, WNOHANG);
}

asio::awaitable<void> ShellSession::Run() {
  const auto self = shared_from_this();
  auto read = ReadTerminal(self);
  auto write = WriteTerminal(self);
  auto times = KeepTimes(self);
  auto record = Record(self);
  asio::co_spawn(parts_.home, std::move(read), asio::detached);
  asio::co_spawn(parts_.home, std::move(write), asio::detached);
  asio::co_spawn(parts_.home, std::move(times), asio::detached);
  asio::co_spawn(parts_.home, std::move(record), asio::detached);
  co_await AwaitExit();
  // The last words are in the terminal still; a background process may hold it open for ever.
  if (!terminal_closed_) {
    drained_.expires_after(absl::ToChronoNanoseconds(limits::kDrainGrace));
    co_await drained_.async_wait(kTuple);
  }
  ending_ = true;
  boost::system::error_code ignored;
  terminal_.close(ignored);
  Changed();
  ::kill(-pid(), SIGKILL);
  ::waitpid(pid(), nullptr, WNOHANG);
  Print(decoder_.Finish());
  while (recording_.waiting() > 0)
    co_await AppendChunk();
  co_await ReportEnd();
}

asio::awaitable<void> ShellSession::AwaitExit() {
  // End() has sent SIGHUP; from then on the grace runs.
  for (bool killed = false; !exited_;) {
    if (ending_ && !killed) {
      asio::steady_timer grace(parts_.home, absl::ToChronoNanoseconds(parts_.times.grace));
      auto kill = [group = pid()](const boost::system::error_code& error) {
        if (!error) ::kill(-group, SIGKILL);
      };
      grace.async_wait(std::move(kill));
      co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
      killed = true;
    } else {
      const auto [error] =
          co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
      if (error) continue;  // End() has cancelled the wait, to begin the grace.
    }
    siginfo_t info{};
    info.si_pid = 0;
    const int got = ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOWAIT | WNOHANG);
    if (got == 0 && info.si_pid == 0) continue;
    exited_ = true;
    const bool by_itself = info.si_code == CLD_EXITED;
    exit_code_ = by_itself ? info.si_status : 128 + info.si_status;
    signal_ = by_itself ? 0 : info.si_status;
  }
  if (reason_.empty()) {
    reason_ = signal_ != 0 ? fmt::format("the shell was killed by signal {}", signal_)
                           : fmt::format("the shell ended with exit code {}", exit_code_);
  }
}

bool ShellSession::MayRead() const {
  return under_way_ < limits::kShellWindowBytes &&
         recording_.waiting() < 2 * limits::kRecordingChunkBytes;
}

asio::awaitable<void> ShellSession::ReadTerminal(Self self) {
  std::array<char, kReadBytes> buffer;
  for (;;) {
    // Without credit nothing is read, the terminal fills up, and whoever prints into it waits.
    while (!self->MayRead() && !self->ending_) {
      co_await self->changed_.async_wait(kTuple);
    }
    const auto [error, bytes] =
        co_await self->terminal_.async_read_some(asio::buffer(buffer), kTuple);
    if (error) break;  // EIO: nobody has the other end open any more.
    self->HoldSize();
    self->Print(self->decoder_.Feed({buffer.data(), bytes}));
    if (self->recording_.total() > limits::kMaxRecordingBytes)
      self->End("the recording has reached its limit");
  }
  self->terminal_closed_ = true;
  self->drained_.cancel();
  self->Changed();
}

void ShellSession::Print(std::string text) {
  if (text.empty()) return;
  under_way_ += text.size();
  recording_.Output(parts_.clock.Now(), text);
  if (recording_.waiting() >= limits::kRecordingChunkBytes) recorder_.cancel();
  parts_.live.Send("shell.output", {{"session", order_.session}, {"data", std::move(text)}});
}

void ShellSession::Credit(std::uint64_t bytes) {
  under_way_ -= std::min<std::uint64_t>(bytes, under_way_);
  Changed();
}

void ShellSession::Type(std::string text) {
  last_typed_ = parts_.clock.Now();
  if (typed_.size() + text.size() > limits::kShellInputBytes) {
    End("more was typed than the shell reads");
    return;
  }
  typed_ += text;
  Changed();
}

asio::awaitable<void> ShellSession::WriteTerminal(Self self) {
  while (!self->terminal_closed_ && !self->exited_) {
    if (self->typed_.empty()) {
      co_await self->changed_.async_wait(kTuple);
      continue;
    }
    std::string text = self->typed_;
    const auto [error, bytes] =
        co_await self->terminal_.async_write_some(asio::buffer(text), kTuple);
    if (error) co_return;
    self->typed_.erase(0, bytes);
    self->parts_.live.Send("shell.taken", {{"session", self->order_.session}, {"bytes", bytes}});
  }
}

asio::awaitable<void> ShellSession::KeepTimes(Self self) {
  while (!self->ending_ && !self->exited_) {
    const absl::Time now = self->parts_.clock.Now();
    const absl::Time idle = self->last_typed_ + self->parts_.times.idle;
    const absl::Time longest = self->opened_at_ + self->parts_.times.longest;
    if (now >= longest) {
      self->End(fmt::format("closed after {}", absl::FormatDuration(self->parts_.times.longest)));
      co_return;
    }
    if (now >= idle) {
      self->End(fmt::format("closed: nobody has typed for {}",
                            absl::FormatDuration(self->parts_.times.idle)));
      co_return;
    }
    self->times_.expires_after(absl::ToChronoNanoseconds(std::min(idle, longest) - now));
    co_await self->times_.async_wait(kTuple);
  }
}

asio::awaitable<void> ShellSession::Record(Self self) {
  while (!self->ending_) {
    if (self->recording_.waiting() < limits::kRecordingChunkBytes) {
      self->recorder_.expires_after(absl::ToChronoNanoseconds(self->parts_.times.recording_delay));
      co_await self->recorder_.async_wait(kTuple);
    }
    if (self->ending_) co_return;  // Run() writes the rest.
    if (self->recording_.waiting() > 0) co_await self->AppendChunk();
  }
}

asio::awaitable<void> ShellSession::AppendChunk() {
  const RecordingChunk chunk = recording_.Take();
  Changed();
  const std::string body = json::serialize(json::object{{"session", order_.session},
                                                        {"index", chunk.index},
                                                        {"previous", chunk.previous},
                                                        {"sha256", chunk.digest},
                                                        {"data", chunk.data}});
  auto event = events::MakeEvent("session.recording", order_.session, event::v1::PRIORITY_RESULT,
                                 body, parts_.clock.Now());
  const auto kept = co_await parts_.events.Append(std::move(event));
  // What cannot be recorded does not happen.
  if (!kept.ok()) End("the recording could not be kept");
}

asio::awaitable<void> ShellSession::ReportEnd() {
  const absl::Time now = parts_.clock.Now();
  const std::string body = json::serialize(json::object{{"session", order_.session},
                                                        {"code", exit_code_},
                                                        {"reason", reason_},
                                                        {"chunks", recording_.chunks()},
                                                        {"sha256", recording_.last_digest()},
                                                        {"time", Rfc3339(now)}});
  auto event =
      events::MakeEvent("session.ended", order_.session, event::v1::PRIORITY_RESULT, body, now);
  const auto kept = co_await parts_.events.Append(std::move(event));
  static_cast<void>(kept);  // Counted by the log; the recording up to here is in it.
}

void ShellSession::Resize(std::uint32_t columns, std::uint32_t rows) {
  if (!terminal_.is_open()) return;
  size_ = {columns, rows};
  sized_at_ = parts_.clock.Steady();
  ResizePty(terminal_.native_handle(), size_);
  recording_.Resize(parts_.clock.Now(), columns, rows);
}

void ShellSession::HoldSize() {
  if (parts_.clock.Steady() >= sized_at_ + parts_.times.resize_held) return;
  const int master = terminal_.native_handle();
  if (SizeOfPty(master) != size_) ResizePty(master, size_);
}

void ShellSession::End(std::string reason) {
  if (std::exchange(ending_, true)) return;
  reason_ = std::move(reason);
  // To the foreground and to the shell: what hangs up is the terminal.
  ::kill(-pid(), SIGHUP);
  boost::system::error_code ignored;
  pidfd_.cancel(ignored);
  Changed();
}

void ShellSession::Changed() {
  changed_.cancel();
  if (ending_) {
    recorder_.cancel();
    times_.cancel();
  }
}

}  // namespace tentacle::agent
