#include "services/agent/core/inventory_json.h"

#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/agent/core/details_json.h"
#include "services/agent/core/rfc3339.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

json::object DiskJson(const Disk& disk) {
  return {{"name", disk.name},
          {"model", disk.model},
          {"serial", disk.serial},
          {"sizeBytes", disk.size_bytes},
          {"rotational", disk.rotational},
          {"removable", disk.removable}};
}

json::object FileSystemJson(const FileSystem& file_system) {
  return {{"mountPoint", file_system.mount_point},
          {"device", file_system.device},
          {"type", file_system.type},
          {"sizeBytes", file_system.size_bytes}};
}

json::object InterfaceJson(const NetworkInterface& interface) {
  json::array addresses;
  for (const auto& address : interface.addresses)
    addresses.emplace_back(address);
  return {{"name", interface.name}, {"mac", interface.mac}, {"addresses", std::move(addresses)}};
}

json::object PackageJson(const Package& package) {
  return {
      {"name", package.name}, {"version", package.version}, {"architecture", package.architecture}};
}

json::object UnitJson(const Unit& unit) {
  return {{"name", unit.name}, {"active", unit.active}, {"sub", unit.sub}};
}

// Octets that may still be written. Lists are charged element by element.
class Budget {
 public:
  explicit Budget(std::size_t bytes) : left_(bytes) {}

  bool Take(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  std::size_t left_;
};

// What fits of `items`; `truncated` is set when something does not.
template <class Item>
json::array Fit(const std::vector<Item>& items,
                json::object (*to_json)(const Item&),
                Budget& budget,
                bool& truncated) {
  json::array array;
  for (const auto& item : items) {
    auto object = to_json(item);
    if (!budget.Take(json::serialize(object).size() + 1)) {
      truncated = true;
      break;
    }
    array.emplace_back(std::move(object));
  }
  return array;
}

json::array PhysicalInterfaces(const Inventory& inventory, Budget& budget, bool& truncated) {
  std::vector<NetworkInterface> physical;
  for (const auto& interface : inventory.interfaces) {
    if (interface.physical) physical.push_back(interface);
  }
  return Fit(physical, &InterfaceJson, budget, truncated);
}

json::object HardwareJson(const Inventory& inventory, Budget& budget) {
  bool truncated = false;
  json::object hardware;
  hardware["cpu"] = {{"model", inventory.cpu.model},
                     {"cores", inventory.cpu.cores},
                     {"threads", inventory.cpu.threads}};
  hardware["memoryBytes"] = inventory.memory_bytes;
  hardware["disks"] = Fit(inventory.disks, &DiskJson, budget, truncated);
  hardware["fileSystems"] = Fit(inventory.file_systems, &FileSystemJson, budget, truncated);
  hardware["network"] = PhysicalInterfaces(inventory, budget, truncated);
  hardware["system"] = {{"vendor", inventory.system.vendor},
                        {"product", inventory.system.product},
                        {"serial", inventory.system.serial},
                        {"uuid", inventory.system.uuid}};
  hardware["virtualization"] = inventory.virtualization;
  const auto& details = inventory.details;
  hardware["memoryModules"] = Fit(details.memory_modules, &MemoryModuleJson, budget, truncated);
  std::vector<PciDevice> displays;
  for (const auto& device : details.pci) {
    if (device.is_display()) displays.push_back(device);
  }
  hardware["gpus"] = Fit(displays, &PciJson, budget, truncated);
  hardware["pci"] = Fit(details.pci, &PciJson, budget, truncated);
  hardware["usb"] = Fit(details.usb, &UsbJson, budget, truncated);
  hardware["truncated"] = truncated;
  return hardware;
}

json::object NetworkJson(const Inventory& inventory, Budget& budget) {
  bool truncated = false;
  json::array dns;
  for (const auto& server : inventory.dns)
    dns.emplace_back(server);
  json::object network;
  network["interfaces"] = Fit(inventory.interfaces, &InterfaceJson, budget, truncated);
  network["defaultGateway"] = inventory.default_gateway;
  network["dns"] = std::move(dns);
  network["truncated"] = truncated;
  return network;
}

json::object OsJson(const OsInfo& os) {
  return {{"name", os.name},
          {"version", os.version},
          {"kernel", os.kernel},
          {"hostname", os.hostname},
          {"uptimeSeconds", os.uptime_seconds},
          {"architecture", os.architecture}};
}

json::object SecurityJson(const HostDetails& details, Budget& budget) {
  bool truncated = false;
  json::object security;
  security["users"] = Fit(details.users, &UserJson, budget, truncated);
  security["rebootRequired"] = details.reboot_required;
  json::array packages;
  for (const auto& package : details.reboot_packages)
    if (budget.Take(package.size() + 3)) packages.emplace_back(package);
  security["rebootPackages"] = std::move(packages);
  security["pendingUpdates"] = Fit(details.updates, &UpdateJson, budget, truncated);
  security["pendingCount"] = details.updates.size();
  if (!details.updates_reason.empty()) security["updatesReason"] = details.updates_reason;
  security["timeSync"] = TimeSyncJson(details.time_sync);
  security["truncated"] = truncated;
  return security;
}

json::object StorageHealthJson(const HostDetails& details, Budget& budget) {
  bool truncated = false;
  json::object health;
  health["disks"] = Fit(details.smart, &SmartJson, budget, truncated);
  if (!details.smart_reason.empty()) health["reason"] = details.smart_reason;
  health["truncated"] = truncated;
  return health;
}

json::object ContainersJson(const HostDetails& details, Budget& budget) {
  bool truncated = false;
  json::object containers;
  containers["list"] = Fit(details.containers, &ContainerJson, budget, truncated);
  containers["truncated"] = truncated;
  return containers;
}

// The scalars of all parts: some thirty fields of kMaxFieldBytes, each six times as long when it is
// all control characters, and the names.
constexpr std::size_t kScalarsBytes = 64 * 1024;

std::string Serialize(const Inventory& inventory,
                      const std::string& collected_at,
                      std::size_t max_bytes) {
  Budget budget(max_bytes > kScalarsBytes ? max_bytes - kScalarsBytes : 0);
  json::object root;
  root["collectedAt"] = collected_at;
  // The first to be charged are the last to be cut.
  root["hardware"] = HardwareJson(inventory, budget);
  root["network"] = NetworkJson(inventory, budget);
  root["os"] = OsJson(inventory.os);
  root["security"] = SecurityJson(inventory.details, budget);
  root["storageHealth"] = StorageHealthJson(inventory.details, budget);
  root["containers"] = ContainersJson(inventory.details, budget);
  bool units_truncated = false;
  json::object services;
  services["units"] = Fit(inventory.units, &UnitJson, budget, units_truncated);
  services["truncated"] = units_truncated;
  if (!inventory.units_reason.empty()) services["reason"] = inventory.units_reason;
  root["services"] = std::move(services);
  bool packages_truncated = false;
  json::object software;
  software["packages"] = Fit(inventory.packages, &PackageJson, budget, packages_truncated);
  software["count"] = inventory.packages.size();
  software["truncated"] = packages_truncated;
  if (!inventory.packages_reason.empty()) software["reason"] = inventory.packages_reason;
  root["software"] = std::move(software);
  return json::serialize(root);
}

}  // namespace

std::string InventoryJson(const Inventory& inventory,
                          absl::Time collected_at,
                          std::size_t max_bytes) {
  return Serialize(inventory, Rfc3339(collected_at), max_bytes);
}

std::string StableInventoryJson(Inventory inventory, std::size_t max_bytes) {
  inventory.os.uptime_seconds = 0;
  for (auto& disk : inventory.details.smart) {
    disk.celsius = 0;
    disk.power_on_hours = 0;
    // Whether it was asleep just now says nothing about it; what it said when it was awake stays.
    if (disk.health == "standby") disk.health = "unknown";
  }
  return Serialize(inventory, "", max_bytes);
}

}  // namespace tentacle::agent
