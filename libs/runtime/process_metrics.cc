#include "libs/runtime/process_metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>

#include <absl/time/clock.h>

#include "libs/runtime/build_info.h"

namespace tentacle::runtime {

namespace {

prometheus::Gauge& MakeGauge(prometheus::Registry& registry,
                             const std::string& name,
                             const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry,
                                 const std::string& name,
                                 const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

double CpuSeconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// Counters only grow; the source may be a plain number.
void RaiseTo(prometheus::Counter& counter, double value) {
  if (value > counter.Value()) counter.Increment(value - counter.Value());
}

}  // namespace

ProcessMetrics::ProcessMetrics(prometheus::Registry& registry)
    : resident_bytes_(MakeGauge(registry, "process_resident_memory_bytes", "Resident memory.")),
      open_fds_(MakeGauge(registry, "process_open_fds", "Open file descriptors.")),
      cpu_seconds_(MakeGauge(registry, "process_cpu_seconds", "CPU time used since the start.")),
      start_seconds_(
          MakeGauge(registry, "process_start_time_seconds", "Start, seconds since 1970.")) {
  start_seconds_.Set(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  prometheus::BuildGauge()
      .Name("tentacle_build_info")
      .Help("1, with what this program is in its labels.")
      .Register(registry)
      .Add({{"version", std::string(Version())}, {"arch", std::string(Architecture())}})
      .Set(1);
}

void ProcessMetrics::Refresh() {
  resident_bytes_.Set(ResidentBytes());
  open_fds_.Set(OpenDescriptors());
  cpu_seconds_.Set(CpuSeconds());
}

ServiceMetrics::ServiceMetrics(std::string_view service,
                               prometheus::Registry& registry,
                               const events::EventLog& log,
                               const rpc::Server& server)
    : log_(log),
      server_(server),
      refused_(
          MakeCounter(registry,
                      fmt::format("tentacle_{}_events_refused_total", service),
                      "Events the log could not take: the lane of results or the disk is full.")),
      refused_peers_(MakeCounter(registry,
                                 fmt::format("tentacle_{}_rpc_refused_peers_total", service),
                                 "Local connections refused because of the user they came from.")) {
  auto& pending = prometheus::BuildGauge()
                      .Name(fmt::format("tentacle_{}_events_pending", service))
                      .Help("Events that the backend has not acknowledged yet.")
                      .Register(registry);
  auto& appended = prometheus::BuildCounter()
                       .Name(fmt::format("tentacle_{}_events_appended_total", service))
                       .Help("Events written to the durable log.")
                       .Register(registry);
  auto& thinned =
      prometheus::BuildCounter()
          .Name(fmt::format("tentacle_{}_events_thinned_total", service))
          .Help("Oldest events that were forgotten undelivered because their lane was full.")
          .Register(registry);
  for (const events::Priority lane : events::kLanes) {
    const std::map<std::string, std::string> labels = {
        {"lane", std::string(events::LaneName(lane))}};
    lanes_.push_back(
        {lane, pending.Add(labels), appended.Add(labels), thinned.Add(labels), log.View(lane)});
  }
}

void ServiceMetrics::Refresh() {
  for (const LaneMetrics& lane : lanes_) {
    const events::LaneView view = log_.View(lane.lane);
    lane.pending.Set(static_cast<double>(view.last - view.confirmed));
    RaiseTo(lane.appended, static_cast<double>(view.last - lane.before.last));
    RaiseTo(lane.thinned, static_cast<double>(view.thinned - lane.before.thinned));
  }
  RaiseTo(refused_, static_cast<double>(log_.refused()));
  RaiseTo(refused_peers_, static_cast<double>(server_.refused_peers()));
}

}  // namespace tentacle::runtime
