#include "services/agent/core/job_command.h"

#include <fmt/format.h>

#include <iterator>

#include "libs/text/view.h"

namespace tentacle::agent {

namespace {

using backend_link::Job;
using backend_link::JobKind;

void Append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

JobCommand Apt(const Job& job) {
  JobCommand command;
  command.environment["DEBIAN_FRONTEND"] = "noninteractive";
  // Waits for another apt instead of failing; keeps an administrator's configuration files; takes a
  // name as a name, where apt-get alone would try it as a regular expression.
  command.argv = {"/usr/bin/apt-get",
                  "-y",
                  "-q",
                  "-o",
                  "DPkg::Lock::Timeout=300",
                  "-o",
                  "Dpkg::Options::=--force-confdef",
                  "-o",
                  "Dpkg::Options::=--force-confold",
                  "-o",
                  "APT::Cmd::Pattern-Only=true"};
  if (job.action == "upgrade" && job.names.empty()) {
    command.argv.emplace_back("upgrade");
    return command;
  }
  command.argv.emplace_back(job.action == "remove" ? "remove" : "install");
  if (job.action == "upgrade") command.argv.emplace_back("--only-upgrade");
  command.argv.emplace_back("--");
  Append(command.argv, job.names);
  return command;
}

JobCommand Dnf(const Job& job) {
  JobCommand command;
  command.argv = {"/usr/bin/dnf", "-y", "-q", job.action};
  if (job.names.empty()) return command;
  command.argv.emplace_back("--");
  Append(command.argv, job.names);
  return command;
}

}  // namespace

absl::StatusOr<JobCommand> CommandFor(const Job& job,
                                      const std::string& script_path,
                                      PackageTool tool) {
  JobCommand command;
  switch (job.kind) {
    case JobKind::kScript:
      command.argv = {job.interpreter, script_path};
      Append(command.argv, job.arguments);
      return command;
    case JobKind::kCommand:
      command.argv = job.arguments;
      return command;
    case JobKind::kPackage:
      if (tool == PackageTool::kNone) {
        return absl::FailedPreconditionError("this host has neither apt-get nor dnf");
      }
      return tool == PackageTool::kApt ? Apt(job) : Dnf(job);
    case JobKind::kService:
      command.argv = {"/usr/bin/systemctl", "--no-ask-password", job.action, "--",
                      job.names.front()};
      return command;
  }
  return absl::InternalError("a kind of job without a command");
}

}  // namespace tentacle::agent
