// The part of the runner that runs one attempt of a job, from its turn to its verdict.
#include <fmt/format.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/runtime/check.h"
#include "libs/text/view.h"
#include "services/agent/core/job_command.h"
#include "services/agent/job_runner.h"
#include "services/agent/leftovers.h"

namespace tentacle::agent {

namespace asio = boost::asio;

// What is made for an attempt before its process, and taken away after it.
struct JobRunner::Prepared {
  std::optional<UserIds> user;
  JobCommand command;
  std::string folder;  // As the job sees it.
  std::unique_ptr<JobCgroup> cgroup;
};

namespace {

PackageTool FindPackageTool(const HostSpace& host) {
  const auto has = [&host](const char* path) {
    return ::access(host.Here(path).c_str(), X_OK) == 0;
  };
  if (has("/usr/bin/apt-get")) return PackageTool::kApt;
  if (has("/usr/bin/dnf")) return PackageTool::kDnf;
  return PackageTool::kNone;
}

// Without a name the agent's own; from a container the host's root, whose groups are not ours.
absl::StatusOr<std::optional<UserIds>> UserOf(const HostSpace& host, const std::string& name) {
  if (name.empty() && !host.is_around()) return std::nullopt;
  auto user = host.FindUser(name.empty() ? "root" : name);
  if (!user.ok()) return user.status();
  return *std::move(user);
}

Ceilings CeilingsOf(const backend_link::JobLimits& asked, std::uint64_t default_memory) {
  Ceilings ceilings;
  ceilings.memory_bytes = asked.memory_bytes != 0 ? asked.memory_bytes : default_memory;
  ceilings.processes = asked.processes != 0 ? asked.processes : limits::kJobProcesses;
  ceilings.cpu_percent = asked.cpu_percent;
  return ceilings;
}

}  // namespace

absl::StatusOr<JobRunner::Prepared> JobRunner::Prepare(const Settings& settings,
                                                       const JobRequest& request) {
  Prepared prepared;
  auto user = UserOf(*settings.host, request.user);
  if (!user.ok()) return user.status();
  prepared.user = *std::move(user);
  const auto& limits = request.limits;
  if (settings.cgroups.complete()) {
    auto group =
        JobCgroup::Make(settings.cgroups, request.id, CeilingsOf(limits, settings.memory_bytes));
    if (!group.ok()) return group.status();
    prepared.cgroup = *std::move(group);
  } else if (limits.processes != 0 || limits.cpu_percent != 0) {
    return absl::FailedPreconditionError(
        "this host gives the agent no control groups, so limits.processes and limits.cpuPercent "
        "cannot be kept");
  }
  auto folder = MakeJobFolder(settings.folders, request, prepared.user);
  if (!folder.ok()) return folder.status();
  prepared.folder = settings.host->There(*folder);
  auto command = CommandFor(request, prepared.folder + "/script", FindPackageTool(*settings.host));
  if (!command.ok()) return command.status();
  prepared.command = *std::move(command);
  return prepared;
}

asio::awaitable<bool> JobRunner::PutSurely(JobPtr job) {
  for (;;) {
    const auto status = co_await store_.Put(job->record);
    if (status.ok()) co_return true;
    log_.Error("agent.job_not_stored",
               {{"task", job->record.request.id}, {"error", text::Message(status)}});
    if (!co_await Delay()) co_return false;
  }
}

asio::awaitable<std::optional<JobVerdict>> JobRunner::Execute(JobPtr job, JobOutputs* outputs) {
  auto& record = job->record;
  if (!refusal_.empty()) co_return NotRun(JobEvent::kRefuse, refusal_);
  record.started_at = clock_.Now();
  ++record.attempt;
  TENTACLE_CHECK(Advance(record, JobEvent::kStart));
  // On the disk before there is a process: after a crash nobody can tell how far it got, so it is
  // not run a second time.
  const bool kept = co_await PutSurely(job);
  if (!kept) co_return std::nullopt;
  if (job->cancelled) co_return NotRun(JobEvent::kCancel, kCancelledBeforeStart);
  auto prepare = [this, &record] { return Prepare(settings_, record.request); };
  auto prepared = co_await async::OnPool(blocking_, prepare);
  if (!prepared.ok()) co_return NotRun(JobEvent::kRefuse, text::Message(prepared.status()));
  const JobVerdict verdict = co_await RunPrepared(job, &*prepared, outputs);
  co_return verdict;
}

ProcessSpec JobRunner::SpecFor(const JobPtr& job, const Prepared& prepared) {
  const auto& request = job->record.request;
  auto environment = settings_.environment;
  if (prepared.user) {
    environment["HOME"] = prepared.user->home;
    environment["USER"] = environment["LOGNAME"] = prepared.user->name;
  }
  for (const auto* more : {&prepared.command.environment, &request.environment}) {
    for (const auto& [name, value] : *more)
      environment[name] = value;
  }
  // As systemd names it (systemd.exec(5), LoadCredential=): programs know where to look.
  if (!request.credentials.empty())
    environment["CREDENTIALS_DIRECTORY"] = prepared.folder + kCredentialsFolder;
  environment[kJobMark] = request.id;
  ProcessSpec spec;
  for (const auto& [name, value] : environment)
    spec.environment.push_back(fmt::format("{}={}", name, value));
  spec.argv = prepared.command.argv;
  spec.user = prepared.user;
  spec.host = settings_.host;
  spec.working_dir =
      request.working_directory.empty() ? prepared.folder : request.working_directory;
  spec.standard_input = request.input;
  if (prepared.cgroup != nullptr) {
    spec.cgroup_files = prepared.cgroup->procs_files();
  } else {
    spec.memory_bytes = request.limits.memory_bytes;
  }
  spec.term_grace = settings_.term_grace;
  spec.drain_grace = settings_.drain_grace;
  const std::weak_ptr<Job> weak = job;
  spec.on_output = [this, weak](OutputStream stream, std::string_view bytes) {
    const auto running = weak.lock();
    if (!running || !running->process || !on_output_) return;
    const auto& output = stream == OutputStream::kOut ? running->process->standard_output()
                                                      : running->process->standard_error();
    on_output_(running->record.request.id, stream, output.total_bytes() - bytes.size(), bytes);
  };
  return spec;
}

asio::awaitable<JobVerdict> JobRunner::RunPrepared(JobPtr job,
                                                   Prepared* prepared,
                                                   JobOutputs* outputs) {
  auto& record = job->record;
  auto spec = SpecFor(job, *prepared);
  const auto started = co_await ChildProcess::Start(home_, blocking_, std::move(spec));
  if (!started.ok()) {
    co_await CleanUp(job, prepared, false);
    co_return NotRun(JobEvent::kRefuse, text::Message(started.status()));
  }
  const auto process = *started;
  if (stopping_) process->Kill();
  if (job->cancelled) process->Cancel();
  job->process = process;
  log_.Info("agent.job_started", {{"task", record.request.id}, {"pid", process->pid()}});
  events_.Publish(events::MakeEvent("job.status", record.request.id, event::v1::PRIORITY_METRIC,
                                    JobStatusJson(record), clock_.Now()));
  const ProcessEnd end = co_await process->Wait(record.request.timeout);
  outputs->stdout_tail = process->standard_output().Text();
  outputs->stderr_tail = process->standard_error().Text();
  record.stdout_bytes = process->standard_output().total_bytes();
  record.stderr_bytes = process->standard_error().total_bytes();
  // Who left the group before it was killed. A package or a service that was started stays: it is
  // what the job was for.
  const bool by_itself = end.cause == ProcessEnd::Cause::kByItself;
  const bool leaves_something = record.request.kind == backend_link::JobKind::kPackage ||
                                record.request.kind == backend_link::JobKind::kService;
  const bool out_of_memory = prepared->cgroup && prepared->cgroup->OutOfMemoryKills() > 0;
  co_await CleanUp(job, prepared, !by_itself || (prepared->cgroup && !leaves_something));
  co_return Judge(end, record.request.timeout, out_of_memory);
}

asio::awaitable<void> JobRunner::CleanUp(JobPtr job, Prepared* prepared, bool all_of_it) {
  auto clean = [this, id = job->record.request.id, prepared, all_of_it] {
    int killed = 0;
    if (all_of_it && prepared->cgroup != nullptr) killed = prepared->cgroup->KillAll();
    if (all_of_it && prepared->cgroup == nullptr) killed = KillLeftovers({id});
    metrics_->leftovers_killed.Increment(killed);
    prepared->cgroup.reset();
    return RemoveJobFolder(settings_.folders, id);
  };
  const auto cleaned = co_await async::OnPool(blocking_, clean);
  if (!cleaned.ok())
    log_.Warning("agent.job_folder_not_removed", {{"error", text::Message(cleaned)}});
}

}  // namespace tentacle::agent
