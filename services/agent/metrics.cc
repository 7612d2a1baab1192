#include "services/agent/metrics.h"

namespace tentacle::agent {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Registry;

prometheus::Family<prometheus::Counter>& Counters(Registry& registry,
                                                  const char* name,
                                                  const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter& OneCounter(Registry& registry, const char* name, const char* help) {
  return Counters(registry, name, help).Add({});
}

prometheus::Gauge& OneGauge(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

// A file of /proc takes 50 us, the package list 20 ms, systemctl 100 ms.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.001, 0.01, 0.1, 1, 10};

}  // namespace

Metrics::Metrics(Registry& registry)
    : shells_open(OneGauge(registry, "tentacle_agent_shells_open", "Shells that are open.")),
      jobs_running(OneGauge(registry, "tentacle_agent_jobs_running", "Jobs whose process runs.")),
      jobs_queued(OneGauge(registry, "tentacle_agent_jobs_queued", "Jobs waiting for their turn.")),
      jobs_unreported(OneGauge(registry,
                               "tentacle_agent_jobs_unreported",
                               "Ended jobs whose result is not in the event log yet.")),
      jobs_forgotten(OneCounter(registry,
                                "tentacle_agent_job_records_unreadable_total",
                                "Records of jobs in the store that could not be read.")),
      leftovers_killed(OneCounter(registry,
                                  "tentacle_agent_leftover_processes_killed_total",
                                  "Processes killed because their job had ended.")),
      host_cpu(OneGauge(registry,
                        "tentacle_agent_host_cpu_usage_ratio",
                        "Busy share of all processors between the last two samples.")),
      host_memory_total(
          OneGauge(registry, "tentacle_agent_host_memory_size_bytes", "Memory of the host.")),
      host_memory_available(OneGauge(registry,
                                     "tentacle_agent_host_memory_available_bytes",
                                     "Memory that programs could still get.")),
      host_load1(
          OneGauge(registry, "tentacle_agent_host_load1", "Load average of the last minute.")),
      host_disk_total(OneGauge(registry,
                               "tentacle_agent_host_disk_size_bytes",
                               "Size of the file system that holds the root.")),
      host_disk_free(OneGauge(registry,
                              "tentacle_agent_host_disk_free_bytes",
                              "What is free of it for unprivileged writers.")),
      jobs_(Counters(registry, "tentacle_agent_jobs_total", "Jobs that ended, by outcome.")),
      requests_(Counters(
          registry, "tentacle_agent_job_requests_total", "Orders to run a job, by outcome.")),
      orders_(Counters(
          registry, "tentacle_agent_orders_total", "Signed orders of the backend, by outcome.")),
      updates_(Counters(registry,
                        "tentacle_agent_updates_total",
                        "Updates of the tentacle itself, by how they ended.")),
      live_frames_(Counters(
          registry, "tentacle_agent_live_frames_total", "Frames of the live channel, by outcome.")),
      shells_(Counters(registry, "tentacle_agent_shells_total", "Shells, by what became of them.")),
      reports_(
          Counters(registry,
                   "tentacle_agent_reports_total",
                   "Inventories, samples and job results put into the event log, by outcome.")),
      collector_runs_(Counters(
          registry, "tentacle_agent_collector_runs_total", "Runs of each collector, by outcome.")),
      collector_seconds_(BuildHistogram()
                             .Name("tentacle_agent_collector_duration_seconds")
                             .Help("Time each collector took.")
                             .Register(registry)) {
  // All of them from the start: a counter that appears with its first failure cannot be alerted on.
  for (const JobState state : kJobStates) {
    if (IsFinal(state)) jobs_.Add({{"outcome", std::string(Name(state))}});
  }
  for (const char* outcome : {"accepted", "known", "refused", "store_failed"}) {
    requests_.Add({{"outcome", outcome}});
  }
  for (const char* outcome : {"taken", "refused", "failed"})
    orders_.Add({{"outcome", outcome}});
  for (const char* outcome : {"refused", "committed", "rolled_back", "blocked"})
    updates_.Add({{"outcome", outcome}});
  for (const char* outcome : {"sent", "received", "dropped", "refused"})
    live_frames_.Add({{"outcome", outcome}});
  for (const char* outcome : {"opened", "refused"})
    shells_.Add({{"outcome", outcome}});
  for (const char* what : {"inventory", "metrics", "job_result"}) {
    for (const char* outcome : {"sent", "failed"})
      reports_.Add({{"kind", what}, {"outcome", outcome}});
  }
}

void Metrics::JobEnded(JobState outcome) {
  jobs_.Add({{"outcome", std::string(Name(outcome))}}).Increment();
}

void Metrics::JobAsked(std::string_view outcome) {
  requests_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::OrderTaken(std::string_view outcome) {
  orders_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Updated(std::string_view outcome) {
  updates_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::LiveFrame(std::string_view outcome) {
  live_frames_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Shell(std::string_view outcome) {
  shells_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Reported(std::string_view what, std::string_view outcome) {
  reports_.Add({{"kind", std::string(what)}, {"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Collected(std::string_view collector, std::string_view outcome, double seconds) {
  collector_runs_.Add({{"collector", std::string(collector)}, {"outcome", std::string(outcome)}})
      .Increment();
  collector_seconds_.Add({{"collector", std::string(collector)}}, kSeconds).Observe(seconds);
}

}  // namespace tentacle::agent
