#include "services/agent/detail_collectors.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "services/agent/core/fields.h"
#include "services/agent/core/parse_dmi.h"
#include "services/agent/core/parse_docker_config.h"
#include "services/agent/core/parse_passwd.h"
#include "services/agent/core/parse_smbios_memory.h"

namespace tentacle::agent {

namespace {

absl::Status CollectMemoryModules(const RootFiles& files, const HostSources&, Inventory& out) {
  constexpr std::string_view kEntries = "/sys/firmware/dmi/entries";
  if (!files.Exists(kEntries)) return absl::NotFoundError(std::string(kEntries));
  for (const auto& name : files.List(kEntries)) {
    if (!name.starts_with("17-")) continue;
    // For root only; without it there are no modules.
    const std::string raw = files.ReadOrEmpty(fmt::format("{}/{}/raw", kEntries, name));
    if (auto module = ParseSmbiosMemory(raw))
      out.details.memory_modules.push_back(*std::move(module));
  }
  return absl::OkStatus();
}

// "0x8086\n" -> "8086"
std::string HexField(const std::string& text) {
  std::string_view field = Trim(text);
  if (field.starts_with("0x")) field.remove_prefix(2);
  return CleanField(field);
}

absl::Status CollectPci(const RootFiles& files, const HostSources&, Inventory& out) {
  constexpr std::string_view kDevices = "/sys/bus/pci/devices";
  if (!files.Exists(kDevices)) return absl::NotFoundError(std::string(kDevices));
  for (const auto& address : files.List(kDevices)) {
    const auto read = [&](std::string_view file) {
      return HexField(files.ReadOrEmpty(fmt::format("{}/{}/{}", kDevices, address, file)));
    };
    PciDevice device{CleanField(address), read("vendor"), read("device"), read("class"),
                     files.LinkName(fmt::format("{}/{}/driver", kDevices, address))};
    if (!device.vendor_id.empty()) out.details.pci.push_back(std::move(device));
  }
  return absl::OkStatus();
}

absl::Status CollectUsb(const RootFiles& files, const HostSources&, Inventory& out) {
  constexpr std::string_view kDevices = "/sys/bus/usb/devices";
  if (!files.Exists(kDevices)) return absl::NotFoundError(std::string(kDevices));
  for (const auto& port : files.List(kDevices)) {
    // "1-2:1.0" is an interface of a device, "usb1" a root hub.
    if (port.find(':') != std::string::npos || port.starts_with("usb")) continue;
    const auto read = [&](std::string_view file) {
      return CleanField(files.ReadOrEmpty(fmt::format("{}/{}/{}", kDevices, port, file)));
    };
    UsbDevice device{CleanField(port),     read("idVendor"), read("idProduct"),
                     read("manufacturer"), read("product"),  read("serial")};
    if (!device.vendor_id.empty()) out.details.usb.push_back(std::move(device));
  }
  return absl::OkStatus();
}

absl::Status CollectUsers(const RootFiles& files, const HostSources&, Inventory& out) {
  const auto passwd = files.Read("/etc/passwd");
  if (!passwd.ok()) return passwd.status();
  out.details.users = ParsePasswd(*passwd, files.ReadOrEmpty("/etc/group"));
  return absl::OkStatus();
}

absl::Status CollectContainers(const RootFiles& files, const HostSources&, Inventory& out) {
  constexpr std::string_view kDocker = "/var/lib/docker/containers";
  if (!files.Exists(kDocker)) return absl::NotFoundError("no container engine");
  for (const auto& id : files.List(kDocker)) {
    auto container =
        ParseDockerConfig(files.ReadOrEmpty(fmt::format("{}/{}/config.v2.json", kDocker, id)));
    if (container) out.details.containers.push_back(*std::move(container));
  }
  return absl::OkStatus();
}

// Debian's packages and needrestart write the one file, and who asked for it into the other.
absl::Status CollectReboot(const RootFiles& files, const HostSources&, Inventory& out) {
  out.details.reboot_required = files.Exists("/run/reboot-required");
  const std::string packages = files.ReadOrEmpty("/run/reboot-required.pkgs");
  for (const auto line : Lines(packages)) {
    if (!Trim(line).empty()) out.details.reboot_packages.push_back(CleanField(line));
  }
  return absl::OkStatus();
}

absl::Status CollectTimeSync(const RootFiles& files, const HostSources& sources, Inventory& out) {
  struct Source {
    std::string_view path;
    std::string_view name;
  };

  constexpr Source kSources[] = {
      {"/run/systemd/timesync", "systemd-timesyncd"},
      {"/run/chrony", "chrony"},
      {"/run/ntpd.pid", "ntpd"},
  };
  for (const auto& [path, name] : kSources) {
    if (files.Exists(path)) out.details.time_sync.source = std::string(name);
  }
  if (sources.clock_synchronized) out.details.time_sync.synchronized = sources.clock_synchronized();
  return absl::OkStatus();
}

}  // namespace

const std::vector<CollectorRow>& DetailCollectors() {
  static const std::vector<CollectorRow> kRows = {
      {"memory_modules", &CollectMemoryModules},
      {"pci", &CollectPci},
      {"usb", &CollectUsb},
      {"users", &CollectUsers},
      {"containers", &CollectContainers},
      {"reboot", &CollectReboot},
      {"time_sync", &CollectTimeSync},
  };
  return kRows;
}

}  // namespace tentacle::agent
