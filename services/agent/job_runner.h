// Runs jobs: each accepted once, written down before it is started, at most four at a time, each
// attempt at its time and within its ceilings, its result in the event log whatever happens to the
// agent in between.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
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
#include "services/agent/job_cgroup.h"
#include "services/agent/job_folder.h"
#include "services/agent/job_store.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

// Home thread only. Made by make_shared: its coroutines keep it alive. What it is given must
// outlive the home thread's loop.
class JobRunner : public std::enable_shared_from_this<JobRunner> {
 public:
  struct Settings {
    HostSpacePtr host = std::make_shared<const HostSpace>();
    JobFolders folders;
    std::string key_file;  // Of what is stored of jobs; made when it is missing.
    CgroupPlaces cgroups;
    std::uint64_t memory_bytes = 0;  // Ceiling of a job that names none; 0: none.
    // Of every job; the job's own variables and its mark are added.
    std::map<std::string, std::string> environment;
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

  // Told of every piece that a job writes, with the octets of that stream before it.
  using OutputListener = std::function<void(
      const std::string& id, OutputStream stream, std::uint64_t offset, std::string_view bytes)>;

  void OnOutput(OutputListener listener) { on_output_ = std::move(listener); }

  // Called with the id of a job that has got its result.
  void OnEnd(std::function<void(const std::string& id)> listener) { on_end_ = std::move(listener); }

  // The job as it stands, also when it was known already. PermissionDenied, ResourceExhausted:
  // refused for good, and a failed result goes up. Unavailable or the store's error: nothing has
  // been written down, to be tried again.
  boost::asio::awaitable<absl::StatusOr<JobRecord>> StartJob(JobRequest request);
  // An order that is not believed or not understood, by the id that it came under: written down and
  // reported like any result, once, unless the job is known. Returns `why`, or that it is to be
  // tried again.
  boost::asio::awaitable<absl::Status> RefuseJob(std::string id, absl::Status why);
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
  boost::asio::awaitable<absl::StatusOr<JobRecord>> Accept(JobRequest request);
  absl::Status MayRun() const;
  void Pump();
  // Takes the first job that is due off the queue; null when there is none.
  JobPtr TakeDue(absl::Time now);
  void DropExpired(absl::Time now);
  // Calls Pump() when the next job becomes due or expires.
  void ArmTimer(absl::Time now);
  static boost::asio::awaitable<void> RunJob(std::shared_ptr<JobRunner> self, JobPtr job);
  // Nothing when the agent is being stopped.
  boost::asio::awaitable<std::optional<JobVerdict>> Execute(JobPtr job, JobOutputs* outputs);
  struct Prepared;
  static absl::StatusOr<Prepared> Prepare(const Settings& settings, const JobRequest& request);
  boost::asio::awaitable<JobVerdict> RunPrepared(JobPtr job,
                                                 Prepared* prepared,
                                                 JobOutputs* outputs);
  boost::asio::awaitable<void> CleanUp(JobPtr job, Prepared* prepared, bool all_of_it);
  bool WillRetry(const Job& job, const JobVerdict& verdict) const;
  // Back into the queue. Nothing when the agent is being stopped.
  boost::asio::awaitable<void> Requeue(JobPtr job, JobVerdict verdict);
  static boost::asio::awaitable<void> FinishUnrun(std::shared_ptr<JobRunner> self,
                                                  JobPtr job,
                                                  JobVerdict verdict);
  boost::asio::awaitable<void> Finish(JobPtr job, JobVerdict verdict, JobOutputs outputs);
  static boost::asio::awaitable<void> Report(std::shared_ptr<JobRunner> self,
                                             JobPtr job,
                                             JobOutputs outputs);
  void ReportInBackground(JobPtr job, JobOutputs outputs);
  boost::asio::awaitable<void> ForgetOld();
  // False: the agent is being stopped.
  boost::asio::awaitable<bool> Delay();
  ProcessSpec SpecFor(const JobPtr& job, const Prepared& prepared);
  // Until it is written down; false: the agent is being stopped.
  boost::asio::awaitable<bool> PutSurely(JobPtr job);
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
  OutputListener on_output_;
  std::function<void(const std::string&)> on_end_;
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
  boost::asio::steady_timer due_timer_;
};

}  // namespace tentacle::agent
