// Runs script jobs: each accepted once, written down before it is started, at most four at a time,
// its result in the event log whatever happens to the agent in between.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/agent/child_process.h"
#include "services/agent/core/job_record.h"
#include "services/agent/job_store.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

// Home thread only. Made by make_shared: its coroutines keep it alive. What it is given must
// outlive the home thread's loop.
class JobRunner : public std::enable_shared_from_this<JobRunner> {
 public:
  struct Settings {
    std::string jobs_dir;                  // <state>/agent/jobs
    std::vector<std::string> environment;  // Of every job, "NAME=value"; the job's mark is added.
    absl::Duration term_grace = limits::kTermGrace;
    absl::Duration drain_grace = limits::kDrainGrace;
    absl::Duration retry_delay = limits::kRetryDelay;
  };

  struct Known {
    JobRecord record;
    JobOutputs outputs;
  };

  JobRunner(boost::asio::any_io_executor home,
            boost::asio::thread_pool& blocking,
            const runtime::Clock& clock,
            runtime::Log log,
            std::shared_ptr<Metrics> metrics,
            store::Store& store,
            events::EventLog& events,
            Settings settings);

  // Once, before any job is accepted: ends what a dead agent left running as interrupted, queues
  // what had not been started, reports what had not been reported. The store's error when it cannot
  // be read.
  boost::asio::awaitable<absl::Status> Recover();

  // With a sentence no job is run any more; with "" they are again.
  void SetRefusal(std::string sentence) { refusal_ = std::move(sentence); }

  // The job as it stands, also when it was known already. PermissionDenied, InvalidArgument,
  // ResourceExhausted: refused for good, and a failed result goes up. Unavailable or the store's
  // error: nothing has been written down, to be tried again.
  boost::asio::awaitable<absl::StatusOr<JobRecord>> StartJob(JobRequest request);
  // NotFound.
  boost::asio::awaitable<absl::StatusOr<Known>> GetJob(std::string id);
  // The state at this moment; a running job ends within the grace. NotFound.
  boost::asio::awaitable<absl::StatusOr<JobRecord>> CancelJob(std::string id);

  // Kills what runs; nothing is started or written any more. The next start reports it as
  // interrupted.
  void Stop();

 private:
  struct Job {
    JobRecord record;
    std::shared_ptr<ChildProcess> process;  // While it runs.
    bool cancelled = false;
  };

  using JobPtr = std::shared_ptr<Job>;

  boost::asio::awaitable<absl::Status> EndInterrupted(std::vector<JobPtr> jobs);
  boost::asio::awaitable<absl::StatusOr<JobRecord>> Refuse(JobRequest request, absl::Status why);
  boost::asio::awaitable<absl::StatusOr<JobRecord>> Accept(JobRequest request);
  absl::Status MayRun(const absl::StatusOr<JobRequest>& checked) const;
  void Pump();
  static boost::asio::awaitable<void> RunJob(std::shared_ptr<JobRunner> self, JobPtr job);
  // Nothing when the agent is being stopped.
  boost::asio::awaitable<std::optional<JobVerdict>> Execute(JobPtr job, JobOutputs* outputs);
  boost::asio::awaitable<JobVerdict> RunScript(JobPtr job,
                                               std::string script_path,
                                               JobOutputs* outputs);
  boost::asio::awaitable<void> Finish(JobPtr job, JobVerdict verdict, JobOutputs outputs);
  static boost::asio::awaitable<void> Report(std::shared_ptr<JobRunner> self,
                                             JobPtr job,
                                             JobOutputs outputs);
  void ReportInBackground(JobPtr job, JobOutputs outputs);
  boost::asio::awaitable<void> ForgetOld();
  // False: the agent is being stopped.
  boost::asio::awaitable<bool> Delay();
  ProcessSpec SpecFor(const JobRequest& request, const std::string& script_path) const;
  void UpdateGauges();

  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  std::shared_ptr<Metrics> metrics_;
  JobStore store_;
  events::EventLog& events_;
  Settings settings_;
  std::string refusal_;
  bool recovered_ = false;
  bool stopping_ = false;
  std::uint64_t next_sequence_ = 1;
  std::size_t running_ = 0;
  std::size_t unreported_ = 0;
  std::map<std::string, JobPtr> jobs_;
  std::deque<JobPtr> queue_;
  std::set<std::string> accepting_;       // Being written down for the first time.
  std::deque<std::string> reported_;      // Oldest first; all of them in jobs_.
  std::deque<std::string> with_outputs_;  // Those of them whose output is still in the store.
  std::set<boost::asio::steady_timer*> delays_;
};

}  // namespace tentacle::agent
