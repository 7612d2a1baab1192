#include "services/agent/host_exporter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "services/agent/core/fields.h"
#include "services/agent/core/parse_host_counters.h"
#include "services/agent/core/parse_mounts.h"
#include "services/agent/core/parse_net_dev.h"

namespace tentacle::agent {

HostExporter::HostExporter(prometheus::Registry& registry, HostSources sources)
    : registry_(registry), sources_(std::move(sources)), files_(sources_.root) {}

void HostExporter::Counter(const char* name, const char* help, const Labels& labels, double value) {
  auto& counter = prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
  // One that went backward (a device that came again) stays where it was, until it is passed.
  if (value > counter.Value()) counter.Increment(value - counter.Value());
}

void HostExporter::Gauge(const char* name, const char* help, const Labels& labels, double value) {
  prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels).Set(value);
}

void HostExporter::Refresh() {
  RefreshProcessors();
  RefreshMemory();
  RefreshDisks();
  RefreshNetwork();
  RefreshFileSystems();
  RefreshTemperatures();
  RefreshPressure();
}

void HostExporter::RefreshProcessors() {
  const std::string stat = files_.ReadOrEmpty("/proc/stat");
  static const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const auto& cpu : ParseCpuSeconds(stat, ticks)) {
    for (const auto& [mode, seconds] : cpu.modes) {
      Counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.",
              {{"cpu", cpu.cpu}, {"mode", std::string(mode)}}, seconds);
    }
  }
  Gauge("node_boot_time_seconds", "Node boot time, in unixtime.", {},
        static_cast<double>(ParseBootTime(stat)));
  const std::string loadavg = files_.ReadOrEmpty("/proc/loadavg");
  const auto load = Fields(loadavg);
  constexpr const char* kLoads[] = {"node_load1", "node_load5", "node_load15"};
  for (std::size_t i = 0; i < std::size(kLoads) && i < load.size(); ++i)
    Gauge(kLoads[i], "Load average.", {}, ToDouble(load[i]).value_or(0));
  if (sources_.clock_synchronized) {
    Gauge("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
          {}, sources_.clock_synchronized() ? 1 : 0);
  }
}

void HostExporter::RefreshMemory() {
  const std::string meminfo = files_.ReadOrEmpty("/proc/meminfo");
  for (const auto& field : ParseMemoryFields(meminfo)) {
    Gauge(fmt::format("node_memory_{}", field.name).c_str(), "Memory information field.", {},
          static_cast<double>(field.value));
  }
}

void HostExporter::RefreshDisks() {
  const std::string stats = files_.ReadOrEmpty("/proc/diskstats");
  for (const auto& disk : ParseDiskStats(stats)) {
    const Labels device{{"device", disk.device}};
    Counter("node_disk_reads_completed_total", "The total number of reads completed successfully.",
            device, static_cast<double>(disk.reads));
    Counter("node_disk_read_bytes_total", "The total number of bytes read successfully.", device,
            static_cast<double>(disk.read_bytes));
    Counter("node_disk_writes_completed_total",
            "The total number of writes completed successfully.", device,
            static_cast<double>(disk.writes));
    Counter("node_disk_written_bytes_total", "The total number of bytes written successfully.",
            device, static_cast<double>(disk.written_bytes));
    Counter("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", device,
            disk.busy_seconds);
  }
}

void HostExporter::RefreshNetwork() {
  const auto traffic = ParseNetDev(files_.ReadOrEmpty("/proc/net/dev"));
  if (!traffic.ok()) return;
  for (const auto& interface : *traffic) {
    const Labels device{{"device", interface.name}};
    Counter("node_network_receive_bytes_total", "Network device statistic receive_bytes.", device,
            static_cast<double>(interface.rx_bytes));
    Counter("node_network_transmit_bytes_total", "Network device statistic transmit_bytes.", device,
            static_cast<double>(interface.tx_bytes));
  }
}

void HostExporter::RefreshFileSystems() {
  const auto mounts = ParseMounts(files_.ReadOrEmpty(MountTable(sources_)));
  if (!mounts.ok()) return;
  for (const auto& mount : *mounts) {
    const auto space = sources_.disk_space(files_.Absolute(mount.mount_point));
    if (!space.ok()) continue;
    const Labels labels{
        {"device", mount.device}, {"fstype", mount.type}, {"mountpoint", mount.mount_point}};
    Gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", labels,
          static_cast<double>(space->total_bytes));
    Gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
          labels, static_cast<double>(space->free_bytes));
  }
}

void HostExporter::RefreshTemperatures() {
  constexpr std::string_view kChips = "/sys/class/hwmon";
  constexpr double kMilli = 1000.0;
  for (const auto& chip : files_.List(kChips)) {
    const std::string folder = fmt::format("{}/{}", kChips, chip);
    const std::string name = CleanField(files_.ReadOrEmpty(folder + "/name"));
    for (const auto& file : files_.List(folder)) {
      if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
      const std::string text = files_.ReadOrEmpty(folder + "/" + file);
      const auto value = ToDouble(Trim(text));
      if (!value) continue;
      Gauge("node_hwmon_temp_celsius", "Hardware monitor for temperature (input)",
            {{"chip", name.empty() ? chip : name}, {"sensor", file.substr(0, file.size() - 6)}},
            *value / kMilli);
    }
  }
}

void HostExporter::RefreshPressure() {
  struct Resource {
    const char* path;
    const char* waiting;
    const char* stalled;  // Null: there is no such thing for it.
  };

  constexpr Resource kResources[] = {
      {"/proc/pressure/cpu", "node_pressure_cpu_waiting_seconds_total", nullptr},
      {"/proc/pressure/memory", "node_pressure_memory_waiting_seconds_total",
       "node_pressure_memory_stalled_seconds_total"},
      {"/proc/pressure/io", "node_pressure_io_waiting_seconds_total",
       "node_pressure_io_stalled_seconds_total"},
  };
  for (const auto& [path, waiting, stalled] : kResources) {
    const std::string text = files_.ReadOrEmpty(path);
    if (text.empty()) continue;  // A kernel without it.
    const Pressure pressure = ParsePressure(text);
    Counter(waiting, "Total time in seconds that processes have waited for the resource.", {},
            pressure.some_seconds);
    if (stalled != nullptr)
      Counter(stalled, "Total time in seconds no process could make progress.", {},
              pressure.full_seconds);
  }
}

}  // namespace tentacle::agent
