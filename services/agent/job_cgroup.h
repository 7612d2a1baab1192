// The ceilings of a job: a control group of its own, in version 2 or 1 of the kernel's interface,
// whichever this host has. Everything here blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace tentacle::agent {

struct Ceilings {
  std::uint64_t memory_bytes = 0;
  std::uint32_t cpu_percent = 0;  // Of one processor; 0: all of them.
  std::uint32_t processes = 0;
};

// Where groups may be made on this host.
struct CgroupPlaces {
  bool unified = false;           // Version 2.
  std::vector<std::string> own;   // Version 1: the group of this process for each controller.
  std::string memory, pids, cpu;  // Folders to make a job's group in; empty: not to be had.

  bool complete() const { return !memory.empty() && !pids.empty(); }
};

// Looks below `root` ("/sys/fs/cgroup") and makes the parent of all jobs' groups there; in version
// 1 below this process' own group, whose limits hold for the jobs then.
CgroupPlaces FindCgroups(const std::string& root, bool below_our_own = true);
// Takes the parents away again, as far as no job is in them.
void RemoveCgroupParents(const CgroupPlaces& places);

class JobCgroup {
 public:
  // ResourceExhausted, PermissionDenied: the kernel refused the group or a ceiling.
  static absl::StatusOr<std::unique_ptr<JobCgroup>> Make(const CgroupPlaces& places,
                                                         const std::string& id,
                                                         const Ceilings& ceilings);
  // Removes the group; what still runs in it goes to its parent.
  ~JobCgroup();
  JobCgroup(const JobCgroup&) = delete;
  JobCgroup& operator=(const JobCgroup&) = delete;

  // What a process writes itself into.
  std::vector<std::string> procs_files() const;
  // SIGKILL to everything in it, until it is empty or ten passes are over; how many were met.
  int KillAll();
  // Processes that the kernel has killed because the memory was used up.
  std::uint64_t OutOfMemoryKills() const;

 private:
  explicit JobCgroup(bool unified) : unified_(unified) {}

  std::vector<int> Members() const;

  bool unified_;
  std::vector<std::string> folders_;  // One a controller; with version 2 one alone.
  std::string memory_folder_;
};

}  // namespace tentacle::agent
