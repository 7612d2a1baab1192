// What else is known of a host: the parts below the first look. What it does not have stays empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tentacle::agent {

struct MemoryModule {
  std::string slot;  // As the board names it: "DIMM_A1".
  std::string type;  // "DDR4"
  std::string manufacturer;
  std::string part_number;
  std::string serial;
  std::uint64_t size_bytes = 0;
  std::uint32_t megatransfers = 0;  // Per second, as configured.
};

struct PciDevice {
  std::string address;    // "0000:01:00.0"
  std::string vendor_id;  // Four hexadecimal digits.
  std::string device_id;
  std::string class_id;  // Six.
  std::string driver;    // Of the kernel; empty when none has it.

  bool is_display() const { return class_id.starts_with("03"); }  // PCI class code 03h.
};

struct UsbDevice {
  std::string port;  // "1-2.4"
  std::string vendor_id;
  std::string product_id;
  std::string vendor;
  std::string product;
  std::string serial;
};

struct User {
  std::string name;
  std::uint32_t uid = 0;
  std::string home;
  std::string shell;
  bool can_login = false;      // Its shell lets people in.
  bool administrator = false;  // uid 0, or in sudo, wheel or admin.
};

// As `docker ps` and `podman ps` print it.
inline constexpr std::size_t kShortContainerId = 12;

struct Container {
  std::string id;  // Its first kShortContainerId digits.
  std::string name;
  std::string image;
  bool running = false;
};

struct PendingUpdate {
  std::string name;
  std::string installed;
  std::string candidate;
  bool security = false;
};

struct TimeSync {
  bool synchronized = false;  // As the kernel has been told (adjtimex(2)).
  std::string source;         // "systemd-timesyncd", "chrony", "ntpd"; empty: none was found.
};

struct SmartHealth {
  std::string device;
  std::string type;
  std::string model;
  std::string serial;
  std::string health;  // "passed", "failed", "standby" (not woken), "unknown"
  std::uint32_t celsius = 0;
  std::uint64_t power_on_hours = 0;
  std::uint32_t wear_percent = 0;  // Of its rated life, flash only.
  std::uint64_t reallocated_sectors = 0;
  std::uint64_t pending_sectors = 0;
  bool at_risk = false;              // It may fail soon,
  std::vector<std::string> reasons;  // because of these.
};

struct HostDetails {
  std::vector<SmartHealth> smart;
  std::string smart_reason;  // Why the list is empty.
  std::vector<MemoryModule> memory_modules;
  std::vector<PciDevice> pci;
  std::vector<UsbDevice> usb;
  std::vector<User> users;
  std::vector<Container> containers;
  std::vector<PendingUpdate> updates;
  std::string updates_reason;  // Why the list is empty.
  bool reboot_required = false;
  std::vector<std::string> reboot_packages;
  TimeSync time_sync;
};

}  // namespace tentacle::agent
