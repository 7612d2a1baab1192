// The metrics that every process has: what it is, what it costs, how its event log fares.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "libs/events/event_log.h"
#include "libs/rpc/server.h"

namespace tentacle::runtime {

// process_* of this process (proc(5)), for any program.
class ProcessMetrics {
 public:
  explicit ProcessMetrics(prometheus::Registry& registry);
  void Refresh();

 private:
  prometheus::Gauge& resident_bytes_;
  prometheus::Gauge& open_fds_;
  prometheus::Gauge& cpu_seconds_;
  prometheus::Gauge& start_seconds_;
};

// tentacle_<service>_events_* by lane, tentacle_<service>_rpc_refused_peers_total.
class ServiceMetrics {
 public:
  ServiceMetrics(std::string_view service,
                 prometheus::Registry& registry,
                 const events::EventLog& log,
                 const rpc::Server& server);
  void Refresh();

 private:
  const events::EventLog& log_;
  const rpc::Server& server_;

  struct LaneMetrics {
    events::Priority lane;
    prometheus::Gauge& pending;
    prometheus::Counter& appended;
    prometheus::Counter& thinned;
    events::LaneView before;  // At the start: counters count from there.
  };

  std::vector<LaneMetrics> lanes_;
  prometheus::Counter& refused_;
  prometheus::Counter& refused_peers_;
};

}  // namespace tentacle::runtime
