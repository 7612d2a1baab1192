#include "services/agent/job_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/runtime/check.h"
#include "libs/text/view.h"
#include "services/agent/leftovers.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr char kInterrupted[] =
    "the agent was stopped or killed while the script ran; whether it had an effect is not known";

}  // namespace

JobRunner::JobRunner(asio::any_io_executor home,
                     asio::thread_pool& blocking,
                     const runtime::Clock& clock,
                     runtime::Log log,
                     std::shared_ptr<Metrics> metrics,
                     store::Store& store,
                     events::EventLog& events,
                     Settings settings)
    : home_(home),
      blocking_(blocking),
      clock_(clock),
      log_(std::move(log)),
      metrics_(std::move(metrics)),
      store_(store, blocking, settings.key_file),
      events_(events),
      settings_(std::move(settings)),
      due_timer_(home) {}

asio::awaitable<absl::Status> JobRunner::Recover() {
  auto loaded = co_await store_.Load();
  if (!loaded.ok()) co_return loaded.status();
  metrics_->jobs_forgotten.Increment(loaded->unreadable);
  if (loaded->unreadable > 0)
    log_.Error("agent.job_records_unreadable", {{"count", loaded->unreadable}});

  std::vector<JobPtr> interrupted;
  std::vector<JobPtr> unreported;
  for (auto& record : loaded->jobs) {
    next_sequence_ = std::max(next_sequence_, record.sequence + 1);
    auto job = std::make_shared<Job>();
    job->record = std::move(record);
    jobs_[job->record.request.id] = job;
    if (job->record.reported) {
      reported_.push_back(job->record.request.id);
    } else if (IsFinal(job->record.state)) {
      unreported.push_back(job);
    } else if (job->record.state == JobState::kRunning) {
      interrupted.push_back(job);
    } else {
      TENTACLE_CHECK(Advance(job->record, JobEvent::kAgentRestart));
      queue_.push_back(job);
    }
  }
  with_outputs_ = reported_;  // More than have any; the oldest of them are forgotten (again) below.
  if (auto status = co_await EndInterrupted(std::move(interrupted)); !status.ok()) co_return status;
  for (const auto& job : unreported) {
    auto outputs = co_await store_.Outputs(job->record.request.id);
    if (!outputs.ok()) co_return outputs.status();
    ReportInBackground(job, *std::move(outputs));
  }
  co_await ForgetOld();
  auto clean = [folders = settings_.folders] { return RemoveJobFolder(folders, ""); };
  const auto cleaned = co_await async::OnPool(blocking_, clean);
  if (!cleaned.ok())
    log_.Warning("agent.job_folder_not_removed", {{"error", text::Message(cleaned)}});
  recovered_ = true;
  log_.Info("agent.jobs_recovered", {{"queued", queue_.size()}, {"known", jobs_.size()}});
  Pump();
  co_return absl::OkStatus();
}

// A process of such a job may still run: the job is over, so it has to be as well.
asio::awaitable<absl::Status> JobRunner::EndInterrupted(std::vector<JobPtr> jobs) {
  std::set<std::string> ids;
  for (const auto& job : jobs)
    ids.insert(job->record.request.id);
  auto kill = [ids, cgroups = settings_.cgroups] {
    int met = 0;
    for (const auto& id : ids) {
      const auto group = JobCgroup::Make(cgroups, id, {});
      if (group.ok()) met += (*group)->KillAll();
    }
    return met + KillLeftovers(ids);
  };
  const int killed = co_await async::OnPool(blocking_, kill);
  metrics_->leftovers_killed.Increment(killed);
  for (const auto& job : jobs) {
    TENTACLE_CHECK(
        EndJob(job->record, NotRun(JobEvent::kAgentRestart, kInterrupted), clock_.Now()));
    JobOutputs none;
    const auto status = co_await store_.PutWithOutputs(job->record, none);
    if (!status.ok()) co_return status;
    metrics_->JobEnded(job->record.state);
    log_.Warning("agent.job_interrupted", {{"task", job->record.request.id}, {"killed", killed}});
    ReportInBackground(job, {});
  }
  co_return absl::OkStatus();
}

absl::Status JobRunner::MayRun() const {
  if (!refusal_.empty()) return absl::PermissionDeniedError(refusal_);
  if (queue_.size() + accepting_.size() >= limits::kMaxQueuedJobs) {
    return absl::ResourceExhaustedError(
        fmt::format("{} jobs are waiting already", limits::kMaxQueuedJobs));
  }
  return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<JobRecord>> JobRunner::StartJob(JobRequest request) {
  if (!recovered_ || stopping_)
    co_return absl::UnavailableError("the agent is starting or stopping");
  if (const auto known = jobs_.find(request.id); known != jobs_.end()) {
    metrics_->JobAsked("known");
    co_return known->second->record;
  }
  if (auto why = MayRun(); !why.ok()) {
    co_return co_await RefuseJob(std::move(request.id), std::move(why));
  }
  co_return co_await Accept(std::move(request));
}

asio::awaitable<absl::StatusOr<JobRecord>> JobRunner::Accept(JobRequest request) {
  const std::string id = request.id;
  if (!accepting_.insert(id).second)
    co_return absl::UnavailableError("the job is just being accepted");
  auto job = std::make_shared<Job>();
  job->record.request = std::move(request);
  job->record.sequence = next_sequence_++;
  job->record.accepted_at = clock_.Now();
  job->record.due_at = job->record.request.not_before;
  auto status = co_await store_.Put(job->record);
  accepting_.erase(id);
  if (!status.ok()) {
    metrics_->JobAsked("store_failed");
    log_.Error("agent.job_not_stored", {{"task", id}, {"error", text::Message(status)}});
    co_return status;
  }
  metrics_->JobAsked("accepted");
  log_.Info("agent.job_accepted",
            {{"task", id}, {"kind", backend_link::KindName(job->record.request.kind)}});
  jobs_[id] = job;
  queue_.push_back(job);
  Pump();
  co_return job->record;
}

asio::awaitable<absl::StatusOr<JobRunner::Known>> JobRunner::GetJob(std::string id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) co_return absl::NotFoundError("no such job");
  const auto job = found->second;
  if (const auto process = job->process) {
    Known known{job->record, {process->standard_output().Text(), process->standard_error().Text()}};
    known.record.stdout_bytes = process->standard_output().total_bytes();
    known.record.stderr_bytes = process->standard_error().total_bytes();
    co_return known;
  }
  auto outputs = co_await store_.Outputs(id);
  if (!outputs.ok()) co_return outputs.status();
  co_return Known{job->record, *std::move(outputs)};
}

asio::awaitable<absl::StatusOr<JobRecord>> JobRunner::CancelJob(std::string id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) co_return absl::NotFoundError("no such job");
  const auto job = found->second;
  if (IsFinal(job->record.state)) co_return job->record;
  log_.Info("agent.job_cancel_asked", {{"task", id}});
  job->cancelled = true;
  if (const auto waiting = std::find(queue_.begin(), queue_.end(), job); waiting != queue_.end()) {
    queue_.erase(waiting);
    const auto verdict = NotRun(JobEvent::kCancel, kCancelledBeforeStart);
    JobOutputs none;
    co_await Finish(job, verdict, none);
  } else if (job->process != nullptr) {
    job->process->Cancel();
  }
  co_return job->record;
}

void JobRunner::Stop() {
  stopping_ = true;
  for (auto* timer : delays_)
    timer->cancel();
  due_timer_.cancel();
  for (const auto& [id, job] : jobs_) {
    if (job->process != nullptr) job->process->Kill();
  }
}

void JobRunner::UpdateGauges() {
  metrics_->jobs_running.Set(static_cast<double>(running_));
  metrics_->jobs_queued.Set(static_cast<double>(queue_.size()));
  metrics_->jobs_unreported.Set(static_cast<double>(unreported_));
}

}  // namespace tentacle::agent
