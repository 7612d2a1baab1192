// The host as values. What a machine does not have stays empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

struct Cpu {
  std::string model;
  std::uint32_t cores = 0;    // Physical ones, over all sockets.
  std::uint32_t threads = 0;  // What the scheduler sees.
  bool hypervisor = false;    // The flag that a guest sees on x86.
};

struct Disk {
  std::string name;  // "nvme0n1"
  std::string model;
  std::string serial;
  std::uint64_t size_bytes = 0;
  bool rotational = false;
  bool removable = false;
};

struct FileSystem {
  std::string mount_point;
  std::string device;
  std::string type;
  std::uint64_t size_bytes = 0;
};

struct NetworkInterface {
  std::string name;
  std::string mac;                     // Lower case, colons; empty for what has none.
  std::vector<std::string> addresses;  // "192.0.2.7/24", "fe80::1/64"
  bool physical = false;               // There is a device behind it.
};

struct SystemInfo {
  std::string vendor;
  std::string product;
  std::string serial;
  std::string uuid;
};

struct OsInfo {
  std::string name;
  std::string version;
  std::string kernel;
  std::string hostname;
  std::string architecture;  // As `uname -m` says it.
  std::uint64_t uptime_seconds = 0;
};

struct Package {
  std::string name;
  std::string version;
  std::string architecture;
};

struct Unit {
  std::string name;
  std::string active;
  std::string sub;
};

struct Inventory {
  Cpu cpu;
  std::uint64_t memory_bytes = 0;
  std::vector<Disk> disks;
  std::vector<FileSystem> file_systems;
  std::vector<NetworkInterface> interfaces;  // All but loopback.
  SystemInfo system;
  std::string virtualization;  // "none", "kvm", "docker", ...
  OsInfo os;
  std::vector<Package> packages;
  std::string packages_reason;  // Why the list is empty.
  std::vector<Unit> units;
  std::string units_reason;
  std::string default_gateway;
  std::vector<std::string> dns;
  HostDetails details;
};

}  // namespace tentacle::agent
