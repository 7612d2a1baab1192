// Two readings of the host's counters -> the figures of one sample.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/agent/core/parse_meminfo.h"
#include "services/agent/core/parse_net_dev.h"
#include "services/agent/core/parse_stat.h"

namespace tentacle::agent {

// What is read at one moment.
struct HostReading {
  CpuTimes cpu;
  Memory memory;
  double load1 = 0;
  std::uint64_t disk_total_bytes = 0;  // Of the file system that holds the root.
  std::uint64_t disk_free_bytes = 0;   // Of those, for unprivileged writers.
  std::uint64_t rx_bytes = 0;          // Since boot.
  std::uint64_t tx_bytes = 0;
};

struct MetricsSample {
  double cpu_percent = 0;
  double memory_percent = 0;
  double disk_percent = 0;
  double load1 = 0;
  std::uint64_t network_rx_bytes = 0;
  std::uint64_t network_tx_bytes = 0;
};

// Busy share of all processors between two readings, 0 to 100. 0 when no tick has passed; counters
// that went backward (idle and iowait do, on some kernels) never make it negative.
double CpuPercent(const CpuTimes& before, const CpuTimes& after);

MetricsSample ComputeUsage(const CpuTimes& before, const HostReading& after);

// The interfaces in `physical` are added up; when there is none (a container) all but loopback, so
// that bridges and their members are not counted twice.
InterfaceTraffic AddTraffic(const std::vector<InterfaceTraffic>& interfaces,
                            const std::vector<std::string>& physical);

}  // namespace tentacle::agent
