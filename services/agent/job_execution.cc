// The part of the runner that runs one job, from its turn to its verdict.
#include <fmt/format.h>

#include <set>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/runtime/check.h"
#include "libs/text/view.h"
#include "services/agent/job_folder.h"
#include "services/agent/job_runner.h"
#include "services/agent/leftovers.h"

namespace tentacle::agent {

namespace asio = boost::asio;

asio::awaitable<std::optional<JobVerdict>> JobRunner::Execute(JobPtr job, JobOutputs* outputs) {
  auto& record = job->record;
  if (!refusal_.empty()) co_return NotRun(JobEvent::kRefuse, refusal_);
  record.started_at = clock_.Now();
  TENTACLE_CHECK(Advance(record, JobEvent::kStart));
  // On the disk before there is a process: after a crash nobody can tell how far it got, so it is
  // not run a second time.
  for (;;) {
    const auto status = co_await store_.Put(record);
    if (status.ok()) break;
    log_.Error("agent.job_not_stored",
               {{"task", record.request.id}, {"error", text::Message(status)}});
    if (!co_await Delay()) co_return std::nullopt;
  }
  if (job->cancelled) co_return NotRun(JobEvent::kCancel, kCancelledBeforeStart);
  auto prepare = [dir = settings_.jobs_dir, id = record.request.id,
                  script = record.request.script] { return MakeJobFolder(dir, id, script); };
  const auto script_path = co_await async::OnPool(blocking_, prepare);
  if (!script_path.ok()) co_return NotRun(JobEvent::kRefuse, text::Message(script_path.status()));
  const JobVerdict verdict = co_await RunScript(job, *script_path, outputs);
  auto clean = [dir = settings_.jobs_dir, id = record.request.id] {
    return RemoveJobFolder(dir, id);
  };
  const auto cleaned = co_await async::OnPool(blocking_, clean);
  if (!cleaned.ok())
    log_.Warning("agent.job_folder_not_removed", {{"error", text::Message(cleaned)}});
  co_return verdict;
}

ProcessSpec JobRunner::SpecFor(const JobRequest& request, const std::string& script_path) const {
  ProcessSpec spec;
  spec.argv = {request.interpreter, script_path};
  spec.environment = settings_.environment;
  spec.environment.push_back(fmt::format("{}={}", kJobMark, request.id));
  spec.working_dir = script_path.substr(0, script_path.rfind('/'));
  spec.term_grace = settings_.term_grace;
  spec.drain_grace = settings_.drain_grace;
  return spec;
}

asio::awaitable<JobVerdict> JobRunner::RunScript(JobPtr job,
                                                 std::string script_path,
                                                 JobOutputs* outputs) {
  auto& record = job->record;
  auto spec = SpecFor(record.request, script_path);
  const auto started = co_await ChildProcess::Start(home_, blocking_, std::move(spec));
  if (!started.ok()) co_return NotRun(JobEvent::kRefuse, text::Message(started.status()));
  const auto process = *started;
  if (stopping_) process->Kill();
  if (job->cancelled) process->Cancel();
  job->process = process;
  log_.Info("agent.job_started", {{"task", record.request.id}, {"pid", process->pid()}});
  const ProcessEnd end = co_await process->Wait(record.request.timeout);
  outputs->stdout_tail = process->standard_output().Text();
  outputs->stderr_tail = process->standard_error().Text();
  record.stdout_bytes = process->standard_output().total_bytes();
  record.stderr_bytes = process->standard_error().total_bytes();
  if (end.cause != ProcessEnd::Cause::kByItself) {
    // Who left the group before it was killed.
    auto kill = [ids = std::set<std::string>{record.request.id}] { return KillLeftovers(ids); };
    const int killed = co_await async::OnPool(blocking_, kill);
    metrics_->leftovers_killed.Increment(killed);
  }
  co_return Judge(end, record.request.timeout);
}

}  // namespace tentacle::agent
