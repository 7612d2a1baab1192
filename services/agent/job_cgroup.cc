#include "services/agent/job_cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "services/agent/core/fields.h"
#include "services/agent/limits.h"
#include "services/agent/root_files.h"
#include "services/agent/unique_fd.h"

namespace tentacle::agent {

namespace {

constexpr char kParent[] = "octofleet-jobs";
constexpr std::uint64_t kCpuPeriodUs = 100'000;

absl::Status WriteFile(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return absl::ErrnoToStatus(errno, path);
  if (::write(file.get(), text.data(), text.size()) < 0) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

std::string ReadFile(const std::string& path) {
  return RootFiles("/").ReadOrEmpty(path);
}

bool MakeFolder(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

// This process' group of one controller, from /proc/self/cgroup: "4:memory:/a/b".
std::string OwnGroup(std::string_view controller) {
  const std::string text = ReadFile("/proc/self/cgroup");
  for (const auto line : Lines(text)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto names = line.substr(first + 1, second - first - 1);
    // "cpu,cpuacct"
    const std::string padded = fmt::format(",{},", names);
    if (padded.find(fmt::format(",{},", controller)) == std::string::npos) continue;
    const auto path = line.substr(second + 1);
    return path == "/" ? "" : std::string(path);
  }
  return "";
}

// A child of our own group, so that whatever holds for us holds for the jobs as well. In a
// container the path may name a group of the host that is not to be seen here; then the top has to
// do.
std::string ParentOfVersion1(const std::string& root,
                             std::string_view controller,
                             bool below_our_own) {
  for (const std::string& group : {below_our_own ? OwnGroup(controller) : "", std::string()}) {
    const std::string folder = fmt::format("{}/{}{}/{}", root, controller, group, kParent);
    if (MakeFolder(folder) && ::access(folder.c_str(), W_OK) == 0) return folder;
  }
  return "";
}

void FindUnified(const std::string& root, CgroupPlaces& places) {
  const std::string parent = fmt::format("{}/{}", root, kParent);
  if (!MakeFolder(parent)) return;
  for (const char* controller : {"memory", "pids", "cpu"}) {
    const std::string enable = fmt::format("+{}", controller);
    // At the top they are usually on; a group with processes in it that is no top refuses.
    static_cast<void>(WriteFile(root + "/cgroup.subtree_control", enable));
    if (!WriteFile(parent + "/cgroup.subtree_control", enable).ok()) continue;
    std::string& place = controller[0] == 'm'   ? places.memory
                         : controller[0] == 'p' ? places.pids
                                                : places.cpu;
    place = parent;
  }
}

}  // namespace

CgroupPlaces FindCgroups(const std::string& root, bool below_our_own) {
  CgroupPlaces places;
  places.unified = ::access((root + "/cgroup.controllers").c_str(), F_OK) == 0;
  if (places.unified) {
    FindUnified(root, places);
  } else {
    places.memory = ParentOfVersion1(root, "memory", below_our_own);
    places.pids = ParentOfVersion1(root, "pids", below_our_own);
    places.cpu = ParentOfVersion1(root, "cpu", below_our_own);
  }
  return places;
}

void RemoveCgroupParents(const CgroupPlaces& places) {
  // With version 2 all three are one folder; the kernel refuses what is in use.
  for (const auto* place : {&places.memory, &places.pids, &places.cpu}) {
    if (!place->empty()) ::rmdir(place->c_str());
  }
}

absl::StatusOr<std::unique_ptr<JobCgroup>> JobCgroup::Make(const CgroupPlaces& places,
                                                           const std::string& id,
                                                           const Ceilings& ceilings) {
  std::unique_ptr<JobCgroup> group(new JobCgroup(places.unified));
  absl::Status status;
  const auto folder_in = [&](const std::string& place) {
    if (place.empty()) return std::string();
    // With a prefix: a controller's own files lie beside it.
    const std::string folder = fmt::format("{}/job-{}", place, id);
    if (std::find(group->folders_.begin(), group->folders_.end(), folder) !=
        group->folders_.end()) {
      return folder;
    }
    if (!MakeFolder(folder)) {
      status.Update(absl::ErrnoToStatus(errno, folder));
      return std::string();
    }
    group->folders_.push_back(folder);
    return folder;
  };
  const auto set = [&](const std::string& folder, const char* file, const std::string& value) {
    if (!folder.empty()) status.Update(WriteFile(fmt::format("{}/{}", folder, file), value));
  };
  group->memory_folder_ = folder_in(places.memory);
  const std::string pids = folder_in(places.pids);
  const std::string cpu = ceilings.cpu_percent == 0 ? "" : folder_in(places.cpu);
  const std::uint64_t quota = ceilings.cpu_percent * (kCpuPeriodUs / 100);
  if (ceilings.processes != 0) set(pids, "pids.max", std::to_string(ceilings.processes));
  if (places.unified) {
    if (ceilings.memory_bytes != 0) {
      set(group->memory_folder_, "memory.max", std::to_string(ceilings.memory_bytes));
      // Without swap accounting in the kernel the file is not there.
      static_cast<void>(WriteFile(group->memory_folder_ + "/memory.swap.max", "0"));
    }
    set(cpu, "cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs));
  } else {
    if (ceilings.memory_bytes != 0) {
      set(group->memory_folder_, "memory.limit_in_bytes", std::to_string(ceilings.memory_bytes));
    }
    set(cpu, "cpu.cfs_period_us", std::to_string(kCpuPeriodUs));
    set(cpu, "cpu.cfs_quota_us", std::to_string(quota));
  }
  if (!status.ok()) return status;
  return group;
}

JobCgroup::~JobCgroup() {
  for (const auto& folder : folders_) {
    const std::string parent = folder.substr(0, folder.rfind('/'));
    // Whoever is left lives on in the parent of all jobs, without this job's ceilings. Version 2
    // allows no process beside groups with controllers: there it goes one higher.
    const std::string home = unified_ ? parent.substr(0, parent.rfind('/')) : parent;
    const std::string members = ReadFile(folder + "/cgroup.procs");
    for (const auto line : Lines(members)) {
      if (!line.empty()) static_cast<void>(WriteFile(home + "/cgroup.procs", line));
    }
    // What was killed leaves its group a moment after it is a zombie.
    for (int attempt = 0; ::rmdir(folder.c_str()) != 0 && errno == EBUSY && attempt < 50; ++attempt)
      ::usleep(2000);
  }
}

std::vector<std::string> JobCgroup::procs_files() const {
  std::vector<std::string> files;
  for (const auto& folder : folders_)
    files.push_back(folder + "/cgroup.procs");
  return files;
}

std::vector<int> JobCgroup::Members() const {
  std::vector<int> members;
  if (folders_.empty()) return members;
  const std::string text = ReadFile(folders_.front() + "/cgroup.procs");
  for (const auto line : Lines(text)) {
    if (const auto pid = ToU64(line); pid && *pid > 1) members.push_back(static_cast<int>(*pid));
  }
  return members;
}

int JobCgroup::KillAll() {
  int met = 0;
  for (int pass = 0; pass < limits::kLeftoverPasses * 10; ++pass) {
    const auto members = Members();
    if (members.empty()) break;
    if (pass == 0) met = static_cast<int>(members.size());
    if (unified_ && WriteFile(folders_.front() + "/cgroup.kill", "1").ok()) {
      ::usleep(1000);
      continue;
    }
    for (const int pid : members)
      ::kill(pid, SIGKILL);
    ::usleep(1000);
  }
  return met;
}

std::uint64_t JobCgroup::OutOfMemoryKills() const {
  if (memory_folder_.empty()) return 0;
  const std::string text =
      ReadFile(memory_folder_ + (unified_ ? "/memory.events" : "/memory.oom_control"));
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() == 2 && fields[0] == "oom_kill") return ToU64(fields[1]).value_or(0);
  }
  return 0;
}

}  // namespace tentacle::agent
