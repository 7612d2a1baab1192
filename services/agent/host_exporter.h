// The host at /metrics, under the names that node_exporter has made common, read when somebody
// asks.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/agent/collectors.h"
#include "services/agent/root_files.h"

namespace tentacle::agent {

// Home thread. A dozen files of /proc and /sys: about a millisecond.
class HostExporter {
 public:
  HostExporter(prometheus::Registry& registry, HostSources sources);

  void Refresh();

 private:
  using Labels = std::map<std::string, std::string>;
  void Counter(const char* name, const char* help, const Labels& labels, double value);
  void Gauge(const char* name, const char* help, const Labels& labels, double value);
  void RefreshProcessors();
  void RefreshMemory();
  void RefreshDisks();
  void RefreshNetwork();
  void RefreshFileSystems();
  void RefreshTemperatures();
  void RefreshPressure();

  prometheus::Registry& registry_;
  HostSources sources_;
  RootFiles files_;
};

}  // namespace tentacle::agent
