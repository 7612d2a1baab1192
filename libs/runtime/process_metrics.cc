#include "libs/runtime/process_metrics.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include <absl/time/clock.h>
#include <fmt/format.h>

#include "libs/runtime/build_info.h"

namespace tentacle::runtime {

namespace {

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const std::string& name, const std::string& help) {
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
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) {
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
      start_seconds_(MakeGauge(registry, "process_start_time_seconds", "Start, seconds since 1970.")) {
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
      pending_(MakeGauge(registry,
                         fmt::format("tentacle_{}_events_pending", service),
                         "Events that the backend has not acknowledged yet.")),
      appended_(MakeCounter(registry,
                            fmt::format("tentacle_{}_events_appended_total", service),
                            "Events written to the durable log.")),
      refused_(MakeCounter(registry,
                           fmt::format("tentacle_{}_events_refused_total", service),
                           "Events the log could not take: it or the disk is full, or a metric was thinned.")),
      refused_peers_(MakeCounter(registry,
                                 fmt::format("tentacle_{}_rpc_refused_peers_total", service),
                                 "Local connections refused because of the user they came from.")),
      appended_before_(static_cast<double>(log.last())) {}

void ServiceMetrics::Refresh() {
  pending_.Set(static_cast<double>(log_.last() - log_.confirmed()));
  RaiseTo(appended_, static_cast<double>(log_.last()) - appended_before_);
  RaiseTo(refused_, static_cast<double>(log_.refused()));
  RaiseTo(refused_peers_, static_cast<double>(server_.refused_peers()));
}

}  // namespace tentacle::runtime
