// One program in its own session and process group: started without a shell, its output read into
// bounded memory, and gone with everything in its group when Wait() returns.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "services/agent/core/job_end.h"
#include "services/agent/core/job_output.h"
#include "services/agent/limits.h"
#include "services/agent/process_launch.h"

namespace tentacle::agent {

enum class OutputStream { kOut, kError };

struct ProcessSpec : LaunchSpec {  // Its descriptors are set here.
  std::string standard_input;      // Empty: /dev/null.
  // Told of every piece of output when it is read.
  std::function<void(OutputStream, std::string_view)> on_output;
  std::size_t kept_output_bytes = limits::kJobOutputKeptBytes;
  absl::Duration term_grace = limits::kTermGrace;
  absl::Duration drain_grace = limits::kDrainGrace;
  absl::Duration kill_wait = limits::kKillWait;
};

// Lives on the home thread.
class ChildProcess : public std::enable_shared_from_this<ChildProcess> {
 public:
  // Standard input is /dev/null, every other descriptor of ours is closed in it. NotFound,
  // PermissionDenied and their like when the program cannot be executed.
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<ChildProcess>>> Start(
      boost::asio::any_io_executor home, boost::asio::thread_pool& blocking, ProcessSpec spec);

  // A group whose Wait() has not returned is killed.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Once. After `timeout`, or when Cancel() was called, the group gets SIGTERM and after the grace
  // SIGKILL. When the program itself has ended, what it left in its group is killed as well.
  boost::asio::awaitable<ProcessEnd> Wait(absl::Duration timeout);
  void Cancel();
  // SIGKILL at once, for the agent's own end.
  void Kill();

  const JobOutput& standard_output() const { return output_; }

  const JobOutput& standard_error() const { return error_; }

  pid_t pid() const { return pid_; }

 private:
  struct Spawned;
  using Condition = bool (ChildProcess::*)() const;

  ChildProcess(boost::asio::any_io_executor home, Spawned spawned, ProcessSpec spec);
  static absl::StatusOr<Spawned> Spawn(const ProcessSpec& spec);
  static boost::asio::awaitable<void> ReadPipe(std::shared_ptr<ChildProcess> self,
                                               OutputStream stream);
  static boost::asio::awaitable<void> AwaitExit(std::shared_ptr<ChildProcess> self);

  bool ExitedOrCancelled() const { return exited_ || cancelled_; }

  bool Drained() const { return output_at_end_ && error_at_end_; }

  bool ExitedAndDrained() const { return exited_ && Drained(); }

  bool Exited() const { return exited_; }

  // Returns when the condition holds (true) or the time is over.
  boost::asio::awaitable<bool> Await(Condition condition, absl::Duration at_most);
  void SignalGroup(int signal) const;
  void Reap();

  boost::asio::any_io_executor home_;
  ProcessSpec spec_;
  pid_t pid_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::posix::stream_descriptor output_pipe_;
  boost::asio::posix::stream_descriptor error_pipe_;
  boost::asio::steady_timer changed_;  // Cancelled whenever one of the flags below changes.
  JobOutput output_;
  JobOutput error_;
  bool output_at_end_ = false;
  bool error_at_end_ = false;
  bool cancelled_ = false;
  bool exited_ = false;  // A zombie at least; its number cannot be given to anybody else yet.
  bool reaped_ = false;
  bool waited_ = false;
  ProcessEnd end_;
};

}  // namespace tentacle::agent
