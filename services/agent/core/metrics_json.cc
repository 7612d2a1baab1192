#include "services/agent/core/metrics_json.h"

#include <cmath>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/agent/core/rfc3339.h"

namespace tentacle::agent {

namespace {
double TwoDecimals(double value) {
  return std::round(value * 100.0) / 100.0;
}
}  // namespace

std::string MetricsJson(const MetricsSample& sample, absl::Time time) {
  return boost::json::serialize(boost::json::object{
      {"time", Rfc3339(time)},
      {"cpuPercent", TwoDecimals(sample.cpu_percent)},
      {"memoryPercent", TwoDecimals(sample.memory_percent)},
      {"diskPercent", TwoDecimals(sample.disk_percent)},
      {"load1", TwoDecimals(sample.load1)},
      {"networkRxBytes", sample.network_rx_bytes},
      {"networkTxBytes", sample.network_tx_bytes},
      {"diskReadBytes", sample.disk_read_bytes},
      {"diskWrittenBytes", sample.disk_written_bytes},
      {"cpuPressure", TwoDecimals(sample.cpu_pressure)},
      {"memoryPressure", TwoDecimals(sample.memory_pressure)},
      {"ioPressure", TwoDecimals(sample.io_pressure)},
      {"celsius", TwoDecimals(sample.celsius)},
  });
}

}  // namespace tentacle::agent
