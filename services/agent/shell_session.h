// One open shell: what it prints goes up as far as its viewer's credit reaches and into the
// recording, what is typed goes in, and it ends by itself, by order, by time, or with the line.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "services/agent/core/asciicast.h"
#include "services/agent/core/shell_order.h"
#include "services/agent/core/utf8_stream.h"
#include "services/agent/limits.h"
#include "services/agent/live_desk.h"
#include "services/agent/pty.h"

namespace tentacle::agent {

struct ShellTimes {
  absl::Duration idle = limits::kShellIdle;
  absl::Duration longest = limits::kShellLongest;
  absl::Duration grace = limits::kShellGrace;
  absl::Duration resize_held = limits::kResizeHeld;
  absl::Duration recording_delay = limits::kRecordingDelay;
};

// Home thread. Made by make_shared: its coroutines keep it alive.
class ShellSession : public std::enable_shared_from_this<ShellSession> {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    const runtime::Clock& clock;
    LiveDesk& live;
    events::EventLog& events;
    ShellTimes times;
    HostSpacePtr host;
    // Called on the blocking pool.
    std::function<absl::StatusOr<UserIds>(const std::string&)> find_user;
  };

  ShellSession(Parts parts, ShellOrder order, Pty pty);
  ~ShellSession();
  ShellSession(const ShellSession&) = delete;
  ShellSession& operator=(const ShellSession&) = delete;

  // Until the shell is gone and all of its recording is in the event log.
  boost::asio::awaitable<void> Run();

  void Type(std::string text);
  void Credit(std::uint64_t bytes);
  void Resize(std::uint32_t columns, std::uint32_t rows);
  // SIGHUP, and SIGKILL for who does not go by it. The first reason counts.
  void End(std::string reason);

  const ShellOrder& order() const { return order_; }

  const std::string& reason() const { return reason_; }

  int exit_code() const { return exit_code_; }

  int pid() const { return pty_.process.pid; }

 private:
  using Self = std::shared_ptr<ShellSession>;
  static boost::asio::awaitable<void> ReadTerminal(Self self);
  static boost::asio::awaitable<void> WriteTerminal(Self self);
  static boost::asio::awaitable<void> KeepTimes(Self self);
  static boost::asio::awaitable<void> Record(Self self);
  boost::asio::awaitable<void> AwaitExit();
  boost::asio::awaitable<void> AppendChunk();
  boost::asio::awaitable<void> ReportEnd();
  void Print(std::string text);
  void HoldSize();
  bool MayRead() const;
  void Changed();

  Parts parts_;
  ShellOrder order_;
  Pty pty_;
  boost::asio::posix::stream_descriptor terminal_;
  boost::asio::posix::stream_descriptor pidfd_;
  // Never runs out; cancelled whenever a flag or a number below changes. Its time is not touched,
  // since that would wake everyone else who waits for it.
  boost::asio::steady_timer changed_;
  boost::asio::steady_timer drained_;
  boost::asio::steady_timer recorder_;
  boost::asio::steady_timer times_;
  Asciicast recording_;
  Utf8Stream decoder_;
  std::size_t under_way_ = 0;  // Octets that the viewer has not confirmed.
  std::string typed_;          // Not written to the terminal yet.
  absl::Time opened_at_;
  absl::Time last_typed_;
  TerminalSize size_;                           // As the viewer has last asked for it,
  absl::Time sized_at_ = absl::InfinitePast();  // and when, by the steady clock.
  std::string reason_;
  int exit_code_ = 0;
  int signal_ = 0;
  bool ending_ = false;
  bool terminal_closed_ = false;
  bool exited_ = false;
};

}  // namespace tentacle::agent
