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
#include "services/agent/job_folder.h"
#include "services/agent/leftovers.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kInterrupted[] =
    "the agent was stopped or killed while the script ran; whether it had an effect is not known";

// Ends a job; the only other change of its state is its start.
void End(JobRecord& record, const JobVerdict& verdict, absl::Time now) {
  TENTACLE_CHECK(Advance(record, verdict.event));
  record.ended_at = now;
  record.exit_code = verdict.exit_code;
  record.reason = verdict.reason;
  record.request.script.clear();
}

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
      store_(store, blocking),
      events_(events),
      settings_(std::move(settings)) {}

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
  auto clean = [dir = settings_.jobs_dir] { return RemoveJobFolder(dir, ""); };
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
  auto kill = [ids] { return KillLeftovers(ids); };
  const int killed = co_await async::OnPool(blocking_, kill);
  metrics_->leftovers_killed.Increment(killed);
  for (const auto& job : jobs) {
    End(job->record, NotRun(JobEvent::kAgentRestart, kInterrupted), clock_.Now());
    JobOutputs none;
    const auto status = co_await store_.PutWithOutputs(job->record, none);
    if (!status.ok()) co_return status;
    metrics_->JobEnded(job->record.state);
    log_.Warning("agent.job_interrupted", {{"task", job->record.request.id}, {"killed", killed}});
    ReportInBackground(job, {});
  }
  co_return absl::OkStatus();
}

absl::Status JobRunner::MayRun(const absl::StatusOr<JobRequest>& checked) const {
  if (!checked.ok()) return checked.status();
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
  auto checked = CheckJob(request);
  if (auto why = MayRun(checked); !why.ok()) {
    co_return co_await Refuse(std::move(request), std::move(why));
  }
  co_return co_await Accept(*std::move(checked));
}

asio::awaitable<absl::StatusOr<JobRecord>> JobRunner::Accept(JobRequest request) {
  const std::string id = request.id;
  if (!accepting_.insert(id).second)
    co_return absl::UnavailableError("the job is just being accepted");
  auto job = std::make_shared<Job>();
  job->record.request = std::move(request);
  job->record.sequence = next_sequence_++;
  job->record.accepted_at = clock_.Now();
  auto status = co_await store_.Put(job->record);
  accepting_.erase(id);
  if (!status.ok()) {
    metrics_->JobAsked("store_failed");
    log_.Error("agent.job_not_stored", {{"task", id}, {"error", text::Message(status)}});
    co_return status;
  }
  metrics_->JobAsked("accepted");
  log_.Info("agent.job_accepted", {{"task", id}, {"interpreter", job->record.request.interpreter}});
  jobs_[id] = job;
  queue_.push_back(job);
  Pump();
  co_return job->record;
}

// A refusal is a result like any other: written down, so that a repeat is not judged differently,
// and reported, so that nobody waits for it.
asio::awaitable<absl::StatusOr<JobRecord>> JobRunner::Refuse(JobRequest request, absl::Status why) {
  metrics_->JobAsked("refused");
  const std::string id = request.id;
  log_.Warning("agent.job_refused", {{"task", id}, {"reason", text::Message(why)}});
  if (!IsJobId(id)) co_return why;  // There is no name under which it could be reported.
  if (!accepting_.insert(id).second)
    co_return absl::UnavailableError("the job is just being accepted");
  auto job = std::make_shared<Job>();
  job->record.request = std::move(request);
  job->record.request.interpreter = "";
  job->record.request.timeout = absl::ZeroDuration();
  job->record.sequence = next_sequence_++;
  job->record.accepted_at = clock_.Now();
  End(job->record, NotRun(JobEvent::kRefuse, text::Message(why)), clock_.Now());
  // A named one: g++ 12 frees a {} inside a co_await expression twice.
  JobOutputs none;
  auto status = co_await store_.PutWithOutputs(job->record, none);
  accepting_.erase(id);
  if (!status.ok()) co_return status;
  metrics_->JobEnded(job->record.state);
  jobs_[id] = job;
  ReportInBackground(job, {});
  co_return why;
}

void JobRunner::Pump() {
  while (!stopping_ && running_ < limits::kMaxRunningJobs && !queue_.empty()) {
    auto job = queue_.front();
    queue_.pop_front();
    ++running_;
    auto run = RunJob(shared_from_this(), std::move(job));
    asio::co_spawn(home_, std::move(run), asio::detached);
  }
  UpdateGauges();
}

asio::awaitable<void> JobRunner::RunJob(std::shared_ptr<JobRunner> self, JobPtr job) {
  JobOutputs outputs;
  auto verdict = co_await self->Execute(job, &outputs);
  job->process.reset();
  if (verdict && !self->stopping_) {
    co_await self->Finish(job, *std::move(verdict), std::move(outputs));
  }
  --self->running_;
  self->Pump();
}

asio::awaitable<void> JobRunner::Finish(JobPtr job, JobVerdict verdict, JobOutputs outputs) {
  End(job->record, verdict, clock_.Now());
  const auto& record = job->record;
  for (;;) {
    const auto status = co_await store_.PutWithOutputs(record, outputs);
    if (status.ok()) break;
    log_.Error("agent.job_not_stored",
               {{"task", record.request.id}, {"error", text::Message(status)}});
    if (!co_await Delay()) co_return;
  }
  metrics_->JobEnded(record.state);
  log_.Info("agent.job_ended", {{"task", record.request.id},
                                {"status", Name(record.state)},
                                {"exit_code", record.exit_code},
                                {"reason", record.reason}});
  ReportInBackground(job, std::move(outputs));
}

void JobRunner::ReportInBackground(JobPtr job, JobOutputs outputs) {
  ++unreported_;
  UpdateGauges();
  auto report = Report(shared_from_this(), std::move(job), std::move(outputs));
  asio::co_spawn(home_, std::move(report), asio::detached);
}

asio::awaitable<void> JobRunner::Report(std::shared_ptr<JobRunner> self,
                                        JobPtr job,
                                        JobOutputs outputs) {
  auto& record = job->record;
  const auto& id = record.request.id;
  for (;;) {
    auto event = events::MakeEvent("job.result", id, event::v1::PRIORITY_RESULT,
                                   JobResultJson(record, outputs), record.ended_at);
    const auto sequence = co_await self->events_.Append(std::move(event));
    self->metrics_->Reported("job_result", sequence.ok() ? "sent" : "failed");
    if (sequence.ok()) break;
    self->log_.Warning("agent.job_not_reported",
                       {{"task", id}, {"error", text::Message(sequence.status())}});
    if (!co_await self->Delay()) co_return;
  }
  record.reported = true;
  // When this is lost the same result is reported once more after a restart, and nothing is run
  // again.
  const auto status = co_await self->store_.PutLater(record);
  if (!status.ok()) {
    self->log_.Warning("agent.job_not_stored", {{"task", id}, {"error", text::Message(status)}});
  }
  --self->unreported_;
  self->reported_.push_back(id);
  self->with_outputs_.push_back(id);
  self->UpdateGauges();
  co_await self->ForgetOld();
}

asio::awaitable<void> JobRunner::ForgetOld() {
  std::vector<std::string> records;
  std::vector<std::string> outputs;
  for (; reported_.size() > limits::kJobsRemembered; reported_.pop_front()) {
    records.push_back(reported_.front());
    jobs_.erase(reported_.front());
  }
  for (; with_outputs_.size() > limits::kJobOutputsKept; with_outputs_.pop_front()) {
    outputs.push_back(with_outputs_.front());
  }
  absl::Status status;
  if (!records.empty()) status.Update(co_await store_.Forget(std::move(records)));
  if (!outputs.empty()) status.Update(co_await store_.ForgetOutputs(std::move(outputs)));
  if (!status.ok()) log_.Warning("agent.jobs_not_forgotten", {{"error", text::Message(status)}});
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

asio::awaitable<bool> JobRunner::Delay() {
  if (stopping_) co_return false;
  asio::steady_timer timer(home_, absl::ToChronoNanoseconds(settings_.retry_delay));
  delays_.insert(&timer);
  co_await timer.async_wait(kTuple);
  delays_.erase(&timer);
  co_return !stopping_;
}

void JobRunner::Stop() {
  stopping_ = true;
  for (auto* timer : delays_)
    timer->cancel();
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
