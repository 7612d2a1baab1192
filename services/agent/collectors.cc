#include "services/agent/collectors.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/agent/core/fields.h"
#include "services/agent/core/interface_kind.h"
#include "services/agent/core/parse_block_device.h"
#include "services/agent/core/parse_cpuinfo.h"
#include "services/agent/core/parse_dmi.h"
#include "services/agent/core/parse_dpkg_status.h"
#include "services/agent/core/parse_host_counters.h"
#include "services/agent/core/parse_if_inet6.h"
#include "services/agent/core/parse_loadavg.h"
#include "services/agent/core/parse_meminfo.h"
#include "services/agent/core/parse_mounts.h"
#include "services/agent/core/parse_net_dev.h"
#include "services/agent/core/parse_os_release.h"
#include "services/agent/core/parse_resolv_conf.h"
#include "services/agent/core/parse_route.h"
#include "services/agent/core/parse_rpm_list.h"
#include "services/agent/core/parse_stat.h"
#include "services/agent/core/parse_uptime.h"
#include "services/agent/core/virtualization.h"
#include "services/agent/detail_collectors.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Reads one file, parses it, puts the value into its place.
template <class Value, class Parse>
absl::Status Take(const RootFiles& files, std::string_view path, Parse parse, Value& into) {
  const auto content = files.Read(path);
  if (!content.ok()) return content.status();
  auto value = parse(*content);
  if (!value.ok()) return value.status();
  into = *std::move(value);
  return absl::OkStatus();
}

absl::Status CollectCpu(const RootFiles& files, const HostSources&, Inventory& out) {
  return Take(files, "/proc/cpuinfo", &ParseCpuInfo, out.cpu);
}

absl::Status CollectMemory(const RootFiles& files, const HostSources&, Inventory& out) {
  Memory memory;
  auto status = Take(files, "/proc/meminfo", &ParseMemInfo, memory);
  out.memory_bytes = memory.total_bytes;
  return status;
}

absl::Status CollectDisks(const RootFiles& files, const HostSources&, Inventory& out) {
  if (!files.Exists("/sys/block")) return absl::NotFoundError("/sys/block");
  for (const auto& name : files.List("/sys/block")) {
    const auto read = [&](std::string_view file) {
      return files.ReadOrEmpty(fmt::format("/sys/block/{}/{}", name, file));
    };
    BlockDeviceFiles texts{name,
                           read("size"),
                           read("queue/rotational"),
                           read("removable"),
                           read("device/model"),
                           read("device/serial"),
                           read("device/vpd_pg80")};
    if (texts.model.empty()) texts.model = read("device/name");  // MMC
    if (texts.serial.empty()) texts.serial = read("serial");     // virtio
    if (auto disk = ParseBlockDevice(texts)) out.disks.push_back(*std::move(disk));
  }
  return absl::OkStatus();
}

absl::Status CollectFileSystems(const RootFiles& files,
                                const HostSources& sources,
                                Inventory& out) {
  auto status = Take(files, MountTable(sources), &ParseMounts, out.file_systems);
  for (auto& file_system : out.file_systems) {
    const auto space = sources.disk_space(files.Absolute(file_system.mount_point));
    if (space.ok()) file_system.size_bytes = space->total_bytes;
  }
  return status;
}

std::string Dotted(std::uint32_t address, std::uint32_t prefix) {
  return fmt::format("{}.{}.{}.{}/{}", address >> 24, (address >> 16) & 0xFF, (address >> 8) & 0xFF,
                     address & 0xFF, prefix);
}

absl::Status CollectInterfaces(const RootFiles& files, const HostSources& sources, Inventory& out) {
  const auto v4 = sources.addresses();
  const auto v6 = ParseIfInet6(files.ReadOrEmpty("/proc/net/if_inet6"));
  for (const auto& name : files.List("/sys/class/net")) {
    const std::string folder = fmt::format("/sys/class/net/{}", name);
    if (!IsListedInterface(name) || !files.Exists(folder + "/address")) continue;
    NetworkInterface interface;
    interface.name = CleanField(name);
    interface.mac = CleanField(files.ReadOrEmpty(folder + "/address"));
    interface.physical = files.Exists(folder + "/device");
    for (const auto& entry : v4.ok() ? *v4 : std::vector<net::InterfaceAddress>()) {
      if (entry.name == name)
        interface.addresses.push_back(Dotted(entry.address, entry.prefix_length));
    }
    for (const auto& entry : v6) {
      if (entry.interface == name) interface.addresses.push_back(entry.address);
    }
    out.interfaces.push_back(std::move(interface));
  }
  return v4.status();
}

absl::Status CollectSystem(const RootFiles& files, const HostSources&, Inventory& out) {
  const auto dmi = [&](std::string_view file) {
    return ParseDmiField(files.ReadOrEmpty(fmt::format("/sys/class/dmi/id/{}", file)));
  };
  if (files.Exists("/sys/class/dmi/id")) {
    // Serial and UUID are for root only; without it they stay empty.
    out.system = {dmi("sys_vendor"), dmi("product_name"), dmi("product_serial"),
                  dmi("product_uuid")};
    return absl::OkStatus();
  }
  if (!files.Exists("/proc/device-tree/model"))
    return absl::NotFoundError("neither DMI nor a device tree");
  out.system = {ParseDeviceTreeVendor(files.ReadOrEmpty("/proc/device-tree/compatible")),
                ParseDmiField(files.ReadOrEmpty("/proc/device-tree/model")),
                ParseDmiField(files.ReadOrEmpty("/proc/device-tree/serial-number")), ""};
  return absl::OkStatus();
}

// After CPU and system, whose findings it uses.
absl::Status CollectVirtualization(const RootFiles& files, const HostSources&, Inventory& out) {
  const std::string environment = files.ReadOrEmpty("/proc/1/environ");
  const std::string hypervisor = files.ReadOrEmpty("/sys/hypervisor/type");
  VirtualizationFacts facts;
  facts.container = ContainerOf(environment);
  facts.docker_env = files.Exists("/.dockerenv");
  facts.container_env = files.Exists("/run/.containerenv");
  facts.dmi_vendor = out.system.vendor;
  facts.dmi_product = out.system.product;
  facts.hypervisor_type = Trim(hypervisor);
  facts.hypervisor_flag = out.cpu.hypervisor;
  out.virtualization = DetectVirtualization(facts);
  return absl::OkStatus();
}

absl::Status CollectOs(const RootFiles& files, const HostSources& sources, Inventory& out) {
  OsRelease release;
  auto status = Take(files, "/etc/os-release", &ParseOsRelease, release);
  out.os.name = release.name;
  out.os.version = release.version;
  out.os.kernel = CleanField(files.ReadOrEmpty("/proc/sys/kernel/osrelease"));
  out.os.hostname = CleanField(files.ReadOrEmpty("/proc/sys/kernel/hostname"));
  out.os.architecture = CleanField(files.ReadOrEmpty("/proc/sys/kernel/arch"));
  if (out.os.architecture.empty()) out.os.architecture = sources.machine;
  status.Update(Take(files, "/proc/uptime", &ParseUptime, out.os.uptime_seconds));
  return status;
}

absl::Status CollectPackages(const RootFiles& files, const HostSources&, Inventory& out) {
  auto status = Take(files, "/var/lib/dpkg/status", &ParseDpkgStatus, out.packages);
  if (absl::IsNotFound(status)) out.packages_reason = "this system has no dpkg";
  if (!status.ok() && out.packages_reason.empty())
    out.packages_reason = CleanField(text::Message(status));
  return status;
}

absl::Status CollectRoutes(const RootFiles& files, const HostSources&, Inventory& out) {
  return Take(files, "/proc/net/route", &ParseDefaultGateway, out.default_gateway);
}

absl::Status CollectDns(const RootFiles& files, const HostSources&, Inventory& out) {
  const auto content = files.Read("/etc/resolv.conf");
  if (content.ok()) out.dns = ParseResolvConf(*content);
  return content.status();
}

// Every source of the first look that is files or a system call.
constexpr CollectorRow kCollectors[] = {
    {"cpu", &CollectCpu},
    {"memory", &CollectMemory},
    {"disks", &CollectDisks},
    {"file_systems", &CollectFileSystems},
    {"interfaces", &CollectInterfaces},
    {"system", &CollectSystem},
    {"virtualization", &CollectVirtualization},
    {"os", &CollectOs},
    {"packages", &CollectPackages},
    {"routes", &CollectRoutes},
    {"dns", &CollectDns},
};

absl::StatusOr<DiskSpace> AskDiskSpace(const std::string& path) {
  struct statvfs answer {};

  if (::statvfs(path.c_str(), &answer) != 0) return absl::ErrnoToStatus(errno, path);
  const std::uint64_t used = answer.f_blocks - std::min(answer.f_bfree, answer.f_blocks);
  return DiskSpace{(used + answer.f_bavail) * answer.f_frsize, answer.f_bavail * answer.f_frsize};
}

// What not every kernel and machine has.
void ReadOptional(const RootFiles& files, HostReading& reading) {
  for (const auto& disk : ParseDiskStats(files.ReadOrEmpty("/proc/diskstats"))) {
    // Partitions and mapped devices are parts of what is counted already.
    if (!files.Exists(fmt::format("/sys/block/{}/device", disk.device))) continue;
    reading.disk_read_bytes += disk.read_bytes;
    reading.disk_written_bytes += disk.written_bytes;
  }
  reading.cpu_pressure = ParsePressure(files.ReadOrEmpty("/proc/pressure/cpu")).some_avg10;
  reading.memory_pressure = ParsePressure(files.ReadOrEmpty("/proc/pressure/memory")).some_avg10;
  reading.io_pressure = ParsePressure(files.ReadOrEmpty("/proc/pressure/io")).some_avg10;
  constexpr double kMilli = 1000.0;
  for (const auto& zone : files.List("/sys/class/thermal")) {
    const std::string text = files.ReadOrEmpty(fmt::format("/sys/class/thermal/{}/temp", zone));
    reading.celsius = std::max(reading.celsius, ToDouble(Trim(text)).value_or(0) / kMilli);
  }
}

bool AskClockSynchronized() {
  struct timex state {};

  return ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

}  // namespace

std::string_view MountTable(const HostSources& sources) {
  // "mounts" is a link to "self/mounts", and we are not in the host's mount namespace.
  return sources.host != nullptr && sources.host->is_around() ? "/proc/1/mounts" : "/proc/mounts";
}

HostSources RealSources(HostSpacePtr host) {
  HostSources sources;
  sources.root = host->root();

  struct utsname name {};

  if (::uname(&name) == 0) sources.machine = name.machine;
  sources.addresses = &net::ListInterfaceAddresses;
  sources.disk_space = &AskDiskSpace;
  sources.list_units = {"/usr/bin/systemctl", "list-units",   "--type=service", "--all",
                        "--no-pager",         "--output=json"};
  sources.list_rpms = {"/usr/bin/rpm", "-qa", "--queryformat", kRpmFormat};
  sources.simulate_upgrade = {"/usr/bin/apt-get",   "-s",     "-q", "-o",
                              "Debug::NoLocking=1", "upgrade"};
  sources.list_podman = {"/usr/bin/podman", "ps", "--all", "--format", "json"};
  sources.smartctl = {"/usr/sbin/smartctl"};
  sources.clock_synchronized = &AskClockSynchronized;
  sources.host = std::move(host);
  return sources;
}

Collectors::Collectors(asio::any_io_executor home,
                       asio::thread_pool& blocking,
                       HostSources sources,
                       std::shared_ptr<Metrics> metrics,
                       runtime::Log log)
    : home_(home),
      blocking_(blocking),
      sources_(std::move(sources)),
      files_(sources_.root),
      metrics_(std::move(metrics)),
      log_(std::move(log)) {}

bool Collectors::Account(std::string_view collector,
                         const absl::Status& status,
                         double seconds) const {
  const bool absent = absl::IsNotFound(status);
  metrics_->Collected(collector, status.ok() ? "ok" : absent ? "absent" : "failed", seconds);
  if (status.ok() || absent) return false;
  log_.Warning("agent.collector_failed",
               {{"collector", collector}, {"error", text::Message(status)}});
  return true;
}

Collectors::Collected Collectors::CollectFiles() const {
  Collected collected;
  const auto run = [&](const CollectorRow& row) {
    const auto start = std::chrono::steady_clock::now();
    const auto status = row.collect(files_, sources_, collected.inventory);
    if (Account(row.name, status, SecondsSince(start))) collected.failed.emplace_back(row.name);
  };
  for (const auto& row : kCollectors)
    run(row);
  for (const auto& row : DetailCollectors())
    run(row);
  return collected;
}

asio::awaitable<Collectors::Collected> Collectors::CollectInventory() {
  auto collect = [this] { return CollectFiles(); };
  auto collected = co_await async::OnPool(blocking_, collect);

  struct Tool {
    std::string_view name;
    ToolCollector collect;
  };

  constexpr Tool kTools[] = {
      {"units", &Collectors::CollectUnits},     {"rpm_packages", &Collectors::CollectRpmPackages},
      {"updates", &Collectors::CollectUpdates}, {"podman", &Collectors::CollectPodman},
      {"smart", &Collectors::CollectSmart},
  };
  for (const auto& [name, ask] : kTools) {
    const auto start = std::chrono::steady_clock::now();
    const auto status = co_await (this->*ask)(&collected.inventory);
    if (Account(name, status, SecondsSince(start))) collected.failed.emplace_back(name);
  }
  co_return collected;
}

absl::StatusOr<HostReading> Collectors::ReadFiles() const {
  HostReading reading;
  auto status = Take(files_, "/proc/stat", &ParseStat, reading.cpu);
  status.Update(Take(files_, "/proc/meminfo", &ParseMemInfo, reading.memory));
  status.Update(Take(files_, "/proc/loadavg", &ParseLoadAvg, reading.load1));
  std::vector<InterfaceTraffic> traffic;
  status.Update(Take(files_, "/proc/net/dev", &ParseNetDev, traffic));
  std::vector<std::string> physical;
  for (const auto& name : files_.List("/sys/class/net")) {
    if (files_.Exists(fmt::format("/sys/class/net/{}/device", name))) physical.push_back(name);
  }
  const auto sum = AddTraffic(traffic, physical);
  reading.rx_bytes = sum.rx_bytes;
  reading.tx_bytes = sum.tx_bytes;
  ReadOptional(files_, reading);
  const auto space = sources_.disk_space(files_.Absolute("/"));
  status.Update(space.status());
  if (space.ok()) {
    reading.disk_total_bytes = space->total_bytes;
    reading.disk_free_bytes = space->free_bytes;
  }
  if (!status.ok()) return status;
  return reading;
}

asio::awaitable<absl::StatusOr<HostReading>> Collectors::Read() {
  const auto start = std::chrono::steady_clock::now();
  auto read = [this] { return ReadFiles(); };
  auto reading = co_await async::OnPool(blocking_, read);
  Account("sample", reading.status(), SecondsSince(start));
  co_return reading;
}

}  // namespace tentacle::agent
