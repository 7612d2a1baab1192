// The kernel's counters in the detail that node_exporter gives them, one function a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tentacle::agent {

// One processor's seconds since boot, /proc/stat.
struct CpuSeconds {
  std::string cpu;                                         // "0"
  std::vector<std::pair<std::string_view, double>> modes;  // "user", "idle", …
};

std::vector<CpuSeconds> ParseCpuSeconds(std::string_view stat, double ticks_per_second);

// "btime" of /proc/stat; 0 when it is missing.
std::uint64_t ParseBootTime(std::string_view stat);

// A line of /proc/meminfo; octets, or as they are where no unit stands.
struct MemoryField {
  std::string name;  // "MemTotal_bytes", "HugePages_Free": as node_exporter names it.
  std::uint64_t value = 0;
};

std::vector<MemoryField> ParseMemoryFields(std::string_view meminfo);

// /proc/diskstats (Documentation/admin-guide/iostats.rst). Not RAM disks and loops.
struct DiskCounters {
  std::string device;
  std::uint64_t reads = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t writes = 0;
  std::uint64_t written_bytes = 0;
  double busy_seconds = 0;
};

std::vector<DiskCounters> ParseDiskStats(std::string_view text);

// /proc/pressure/<resource> (Documentation/accounting/psi.rst).
struct Pressure {
  double some_avg10 = 0;  // Per cent of the last 10 s.
  double some_seconds = 0;
  double full_seconds = 0;  // 0 where the kernel does not say.
};

Pressure ParsePressure(std::string_view text);

}  // namespace tentacle::agent
