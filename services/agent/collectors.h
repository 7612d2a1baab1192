// Reads the host: files below a root, a few system calls, one program. Every source is a row of the
// table in collectors.cc; each run is timed and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/net/interfaces.h"
#include "libs/runtime/log.h"
#include "services/agent/core/inventory.h"
#include "services/agent/core/usage.h"
#include "services/agent/host_space.h"
#include "services/agent/metrics.h"
#include "services/agent/root_files.h"

namespace tentacle::agent {

struct DiskSpace {
  std::uint64_t total_bytes = 0;  // Without what only root may fill, as df(1) counts.
  std::uint64_t free_bytes = 0;
};

// What is no file. The real ones are made by RealSources().
struct HostSources {
  std::string root = "/";
  HostSpacePtr host;    // Whose programs are asked; null: where the agent is.
  std::string machine;  // uname -m, for kernels before 6.1 (/proc/sys/kernel/arch).
  std::function<absl::StatusOr<std::vector<net::InterfaceAddress>>()> addresses;
  std::function<absl::StatusOr<DiskSpace>(const std::string& path)> disk_space;
  // argv of the programs that print the units as JSON, the packages in kRpmFormat, the updates,
  // podman's containers.
  std::vector<std::string> list_units;
  std::vector<std::string> list_rpms;
  std::vector<std::string> simulate_upgrade;
  std::vector<std::string> list_podman;
  std::vector<std::string> smartctl;  // Without its options.
  std::function<bool()> clock_synchronized;
};

HostSources RealSources(HostSpacePtr host);

// The file with the host's mounts, below the root.
std::string_view MountTable(const HostSources& sources);

// Home thread; files are read on the blocking pool.
class Collectors {
 public:
  Collectors(boost::asio::any_io_executor home,
             boost::asio::thread_pool& blocking,
             HostSources sources,
             std::shared_ptr<Metrics> metrics,
             runtime::Log log);

  struct Collected {
    Inventory inventory;
    // Names of the collectors whose source was there and unreadable.
    std::vector<std::string> failed;
  };

  // What fails is missing in it and named.
  boost::asio::awaitable<Collected> CollectInventory();

  // The error of the first source that cannot be read.
  boost::asio::awaitable<absl::StatusOr<HostReading>> Read();

 private:
  using ToolCollector = boost::asio::awaitable<absl::Status> (Collectors::*)(Inventory*);
  boost::asio::awaitable<absl::Status> CollectUnits(Inventory* inventory);
  boost::asio::awaitable<absl::Status> CollectRpmPackages(Inventory* inventory);
  boost::asio::awaitable<absl::Status> CollectUpdates(Inventory* inventory);
  boost::asio::awaitable<absl::Status> CollectPodman(Inventory* inventory);
  boost::asio::awaitable<absl::Status> CollectSmart(Inventory* inventory);
  Collected CollectFiles() const;
  absl::StatusOr<HostReading> ReadFiles() const;
  // Counts and logs one run; true when it failed.
  bool Account(std::string_view collector, const absl::Status& status, double seconds) const;

  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  HostSources sources_;
  RootFiles files_;
  std::shared_ptr<Metrics> metrics_;
  runtime::Log log_;
};

}  // namespace tentacle::agent
