// Every counter of the agent. Thread safe.
#pragma once

#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "services/agent/core/job_state.h"

namespace tentacle::agent {

class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  // Jobs that ended, by how they did.
  void JobEnded(JobState outcome);
  // Orders to run a job: accepted, known, refused, store_failed.
  void JobAsked(std::string_view outcome);
  // Signed orders: taken, refused, failed.
  void OrderTaken(std::string_view outcome);
  // Updates of the tentacle itself: refused, committed, rolled_back, blocked.
  void Updated(std::string_view outcome);
  // Frames of the live channel: sent, received, dropped, refused.
  void LiveFrame(std::string_view outcome);
  // Shells: opened, refused, and how they ended.
  void Shell(std::string_view outcome);
  // Events on their way up: inventory (sent, unchanged, failed), metrics and job_result (sent,
  // failed).
  void Reported(std::string_view what, std::string_view outcome);
  // One run of a collector: ok, absent (this machine has no such source), failed.
  void Collected(std::string_view collector, std::string_view outcome, double seconds);

  prometheus::Gauge& shells_open;
  prometheus::Gauge& jobs_running;
  prometheus::Gauge& jobs_queued;
  prometheus::Gauge& jobs_unreported;
  prometheus::Counter& jobs_forgotten;    // Records of the store that could not be read.
  prometheus::Counter& leftovers_killed;  // Processes of a job that outlived it.
  prometheus::Gauge& host_cpu;
  prometheus::Gauge& host_memory_total;
  prometheus::Gauge& host_memory_available;
  prometheus::Gauge& host_load1;
  prometheus::Gauge& host_disk_total;
  prometheus::Gauge& host_disk_free;

 private:
  prometheus::Family<prometheus::Counter>& jobs_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& orders_;
  prometheus::Family<prometheus::Counter>& updates_;
  prometheus::Family<prometheus::Counter>& live_frames_;
  prometheus::Family<prometheus::Counter>& shells_;
  prometheus::Family<prometheus::Counter>& reports_;
  prometheus::Family<prometheus::Counter>& collector_runs_;
  prometheus::Family<prometheus::Histogram>& collector_seconds_;
};

}  // namespace tentacle::agent
