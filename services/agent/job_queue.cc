// The part of the runner that decides whose turn it is.
#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/runtime/check.h"
#include "services/agent/job_runner.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kExpired = "the time to begin was over before its turn came";
// The wall clock may be set meanwhile; a schedule is looked at again at least so often.
constexpr absl::Duration kLongestSleep = absl::Minutes(1);

}  // namespace

void JobRunner::Pump() {
  if (stopping_) return;
  const absl::Time now = clock_.Now();
  DropExpired(now);
  while (running_ < limits::kMaxRunningJobs) {
    auto job = TakeDue(now);
    if (job == nullptr) break;
    ++running_;
    auto run = RunJob(shared_from_this(), std::move(job));
    asio::co_spawn(home_, std::move(run), asio::detached);
  }
  ArmTimer(now);
  UpdateGauges();
}

JobRunner::JobPtr JobRunner::TakeDue(absl::Time now) {
  const auto due = [now](const JobPtr& job) { return job->record.due_at <= now; };
  const auto first = std::find_if(queue_.begin(), queue_.end(), due);
  if (first == queue_.end()) return nullptr;
  auto job = *first;
  queue_.erase(first);
  return job;
}

void JobRunner::DropExpired(absl::Time now) {
  const auto expired = [now](const JobPtr& job) { return job->record.request.not_after <= now; };
  for (auto at = std::find_if(queue_.begin(), queue_.end(), expired); at != queue_.end();
       at = std::find_if(queue_.begin(), queue_.end(), expired)) {
    auto finish = FinishUnrun(shared_from_this(), *at, NotRun(JobEvent::kExpire, kExpired));
    queue_.erase(at);
    asio::co_spawn(home_, std::move(finish), asio::detached);
  }
}

asio::awaitable<void> JobRunner::FinishUnrun(std::shared_ptr<JobRunner> self,
                                             JobPtr job,
                                             JobVerdict verdict) {
  JobOutputs none;
  co_await self->Finish(job, std::move(verdict), none);
}

void JobRunner::ArmTimer(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& job : queue_) {
    // Who is due waits for a slot, and whoever gives one back calls Pump().
    if (job->record.due_at > now) next = std::min(next, job->record.due_at);
    next = std::min(next, job->record.request.not_after);
  }
  if (next == absl::InfiniteFuture()) return;
  due_timer_.expires_after(absl::ToChronoNanoseconds(std::min(next - now, kLongestSleep)));
  auto wake = [weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->Pump();
  };
  due_timer_.async_wait(std::move(wake));
}

bool JobRunner::WillRetry(const Job& job, const JobVerdict& verdict) const {
  return MayRetry(verdict) && !job.cancelled && !stopping_ &&
         job.record.attempt <= job.record.request.retries &&
         clock_.Now() < job.record.request.not_after;
}

asio::awaitable<void> JobRunner::Requeue(JobPtr job, JobVerdict verdict) {
  auto& record = job->record;
  TENTACLE_CHECK(Advance(record, JobEvent::kRetry));
  record.due_at = clock_.Now() + record.request.retry_delay;
  const bool kept = co_await PutSurely(job);
  if (!kept) co_return;
  log_.Info("agent.job_retried",
            {{"task", record.request.id}, {"attempt", record.attempt}, {"reason", verdict.reason}});
  if (job->cancelled) {
    co_await FinishUnrun(shared_from_this(), job, NotRun(JobEvent::kCancel, kCancelledBeforeStart));
  } else {
    queue_.push_back(job);
  }
}

asio::awaitable<void> JobRunner::RunJob(std::shared_ptr<JobRunner> self, JobPtr job) {
  JobOutputs outputs;
  auto verdict = co_await self->Execute(job, &outputs);
  job->process.reset();
  if (verdict && !self->stopping_) {
    if (self->WillRetry(*job, *verdict)) {
      co_await self->Requeue(job, *std::move(verdict));
    } else {
      co_await self->Finish(job, *std::move(verdict), std::move(outputs));
    }
  }
  --self->running_;
  self->Pump();
}

}  // namespace tentacle::agent
