// The part of the runner that ends jobs: refusals, results, their way into the event log, and when
// they are forgotten.
#include <fmt/format.h>

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/runtime/check.h"
#include "libs/text/view.h"
#include "services/agent/job_runner.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

// A refusal is a result like any other: written down, so that a repeat is not judged differently,
// and reported, so that nobody waits for it.
asio::awaitable<absl::Status> JobRunner::RefuseJob(std::string id, absl::Status why) {
  if (!recovered_ || stopping_)
    co_return absl::UnavailableError("the agent is starting or stopping");
  metrics_->JobAsked("refused");
  log_.Warning("agent.job_refused", {{"task", id}, {"reason", text::Message(why)}});
  // Either there is no name under which it could be reported, or what it names has a result of its
  // own, which nobody's order without a signature may touch.
  if (!backend_link::IsJobId(id) || jobs_.contains(id)) co_return why;
  if (!accepting_.insert(id).second)
    co_return absl::UnavailableError("the job is just being accepted");
  auto job = std::make_shared<Job>();
  job->record.request.id = id;
  job->record.sequence = next_sequence_++;
  job->record.accepted_at = clock_.Now();
  TENTACLE_CHECK(EndJob(job->record, NotRun(JobEvent::kRefuse, text::Message(why)), clock_.Now()));
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

asio::awaitable<void> JobRunner::Finish(JobPtr job, JobVerdict verdict, JobOutputs outputs) {
  TENTACLE_CHECK(EndJob(job->record, verdict, clock_.Now()));
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
  if (on_end_) on_end_(record.request.id);
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

asio::awaitable<bool> JobRunner::Delay() {
  if (stopping_) co_return false;
  asio::steady_timer timer(home_, absl::ToChronoNanoseconds(settings_.retry_delay));
  delays_.insert(&timer);
  co_await timer.async_wait(kTuple);
  delays_.erase(&timer);
  co_return !stopping_;
}

}  // namespace tentacle::agent
