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
  std::uint64_t disk_read_bytes = 0;  // Since boot, over all disks.
  std::uint64_t disk_written_bytes = 0;
  double cpu_pressure = 0;  // PSI: per cent of the last 10 s in which somebody waited.
  double memory_pressure = 0;
  double io_pressure = 0;
  double celsius = 0;  // The hottest sensor; 0: there is none.
};

struct MetricsSample {
  double cpu_percent = 0;
  double memory_percent = 0;
  double disk_percent = 0;
  double load1 = 0;
  std::uint64_t network_rx_bytes = 0;
  std::uint64_t network_tx_bytes = 0;
  std::uint64_t disk_read_bytes = 0;
  std::uint64_t disk_written_bytes = 0;
  double cpu_pressure = 0;
  double memory_pressure = 0;
  double io_pressure = 0;
  double celsius = 0;
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
