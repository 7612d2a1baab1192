#include "services/agent/core/usage.h"

#include <algorithm>

namespace tentacle::agent {

namespace {
double Percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return 0;
  return 100.0 * static_cast<double>(std::min(part, whole)) / static_cast<double>(whole);
}
}  // namespace

double CpuPercent(const CpuTimes& before, const CpuTimes& after) {
  if (after.total <= before.total) return 0;
  const std::uint64_t passed = after.total - before.total;
  const std::uint64_t idle = after.idle > before.idle ? after.idle - before.idle : 0;
  return Percent(passed - std::min(idle, passed), passed);
}

MetricsSample ComputeUsage(const CpuTimes& before, const HostReading& after) {
  MetricsSample sample;
  sample.cpu_percent = CpuPercent(before, after.cpu);
  const auto& memory = after.memory;
  sample.memory_percent =
      Percent(memory.total_bytes - std::min(memory.available_bytes, memory.total_bytes),
              memory.total_bytes);
  sample.disk_percent =
      Percent(after.disk_total_bytes - std::min(after.disk_free_bytes, after.disk_total_bytes),
              after.disk_total_bytes);
  sample.load1 = after.load1;
  sample.network_rx_bytes = after.rx_bytes;
  sample.network_tx_bytes = after.tx_bytes;
  sample.disk_read_bytes = after.disk_read_bytes;
  sample.disk_written_bytes = after.disk_written_bytes;
  sample.cpu_pressure = after.cpu_pressure;
  sample.memory_pressure = after.memory_pressure;
  sample.io_pressure = after.io_pressure;
  sample.celsius = after.celsius;
  return sample;
}

InterfaceTraffic AddTraffic(const std::vector<InterfaceTraffic>& interfaces,
                            const std::vector<std::string>& physical) {
  InterfaceTraffic sum;
  for (const auto& interface : interfaces) {
    const bool counted = physical.empty() ? interface.name != "lo"
                                          : std::find(physical.begin(), physical.end(),
                                                      interface.name) != physical.end();
    if (!counted) continue;
    sum.rx_bytes += interface.rx_bytes;
    sum.tx_bytes += interface.tx_bytes;
  }
  return sum;
}

}  // namespace tentacle::agent
