// Finds the processes of a job wherever they went, by the mark that its environment carries, and
// kills them. A script may leave its process group (setsid); it cannot take the mark off what it
// was started with.
#pragma once

#include <set>
#include <string>

namespace tentacle::agent {

constexpr char kJobMark[] = "TENTACLE_JOB_ID";
constexpr char kShellMark[] = "TENTACLE_SHELL";

// Blocking. SIGKILL to every process that carries the mark of one of the jobs, until none is found
// any more; returns how many were killed.
int KillMarked(const std::string& mark, const std::set<std::string>& ids);

// With the mark of a job.
int KillLeftovers(const std::set<std::string>& job_ids);

}  // namespace tentacle::agent
