// The part of the collectors that asks the host's own programs: systemctl, rpm, apt-get, podman,
// smartctl.
#include <utility>
#include <vector>

#include "libs/text/view.h"
#include "services/agent/collectors.h"
#include "services/agent/core/fields.h"
#include "services/agent/core/parse_apt_simulation.h"
#include "services/agent/core/parse_podman_list.h"
#include "services/agent/core/parse_rpm_list.h"
#include "services/agent/core/parse_smart_json.h"
#include "services/agent/core/parse_units_json.h"
#include "services/agent/host_tool.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;

asio::awaitable<absl::Status> Collectors::CollectUnits(Inventory* inventory) {
  // sd_booted(3): this folder is there exactly when systemd runs the system.
  absl::Status status = absl::NotFoundError("systemd does not run here");
  if (files_.Exists("/run/systemd/system")) {
    HostTool tool{sources_.list_units, limits::kUnitsTimeout, limits::kMaxUnitsBytes};
    tool.host = sources_.host;
    const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
    status = printed.status();
    if (printed.ok()) {
      auto units = ParseUnitsJson(*printed);
      status = units.status();
      if (units.ok()) inventory->units = *std::move(units);
    }
  }
  if (!status.ok()) inventory->units_reason = CleanField(text::Message(status));
  co_return status;
}

asio::awaitable<absl::Status> Collectors::CollectRpmPackages(Inventory* inventory) {
  if (!inventory->packages.empty() || !files_.Exists("/var/lib/rpm"))
    co_return absl::NotFoundError("this system has no rpm");
  HostTool tool{sources_.list_rpms, limits::kToolTimeout, limits::kMaxSourceBytes};
  tool.host = sources_.host;
  const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
  if (printed.ok()) {
    inventory->packages = ParseRpmList(*printed);
    inventory->packages_reason.clear();
  } else {
    inventory->packages_reason = CleanField(text::Message(printed.status()));
  }
  co_return printed.status();
}

// A simulation of what an administrator would do: it takes no lock and fetches nothing.
asio::awaitable<absl::Status> Collectors::CollectUpdates(Inventory* inventory) {
  absl::Status status = absl::NotFoundError("this system has no apt");
  if (files_.Exists("/var/lib/apt/lists")) {
    HostTool tool{sources_.simulate_upgrade, limits::kToolTimeout, limits::kMaxUnitsBytes};
    tool.host = sources_.host;
    const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
    status = printed.status();
    if (printed.ok()) inventory->details.updates = ParseAptSimulation(*printed);
  }
  if (!status.ok()) inventory->details.updates_reason = CleanField(text::Message(status));
  co_return status;
}

// Docker's daemon writes files of its own; podman has none, and what runs is known to its
// processes.
asio::awaitable<absl::Status> Collectors::CollectPodman(Inventory* inventory) {
  if (!files_.Exists("/var/lib/containers/storage")) co_return absl::NotFoundError("no podman");
  HostTool tool{sources_.list_podman, limits::kToolTimeout, limits::kMaxUnitsBytes};
  tool.host = sources_.host;
  const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
  if (!printed.ok()) co_return printed.status();
  auto containers = ParsePodmanList(*printed);
  if (!containers.ok()) co_return containers.status();
  auto& list = inventory->details.containers;
  list.insert(list.end(), containers->begin(), containers->end());
  co_return absl::OkStatus();
}

// Bits of smartctl's exit code (smartctl(8), "EXIT STATUS") that are news about the disk and no
// failure to ask it: 2 (some command failed or checksum) to 7.
constexpr int kSmartNews = 0xFC;

asio::awaitable<absl::Status> Collectors::CollectSmart(Inventory* inventory) {
  auto& details = inventory->details;
  if (sources_.smartctl.empty()) co_return absl::NotFoundError("no smartctl");
  auto scan = sources_.smartctl;
  scan.insert(scan.end(), {"--scan", "-j"});
  HostTool scanner{std::move(scan), limits::kSmartTimeout, limits::kMaxUnitsBytes};
  scanner.host = sources_.host;
  const auto found = co_await RunHostTool(home_, blocking_, std::move(scanner));
  absl::Status status = found.status();
  std::vector<SmartDevice> devices;
  if (found.ok()) {
    auto list = ParseSmartScan(*found);
    status = list.status();
    if (list.ok()) devices = *std::move(list);
  }
  if (!status.ok()) details.smart_reason = CleanField(text::Message(status));
  if (devices.size() > limits::kMaxSmartDevices) devices.resize(limits::kMaxSmartDevices);
  for (const auto& device : devices) {
    auto ask = sources_.smartctl;
    // "-n standby": a disk that sleeps is not woken for this.
    ask.insert(ask.end(),
               {"-j", "-n", "standby,0", "-i", "-H", "-A", "-d", device.type, device.device});
    HostTool tool{std::move(ask), limits::kSmartTimeout, limits::kMaxUnitsBytes, kSmartNews};
    tool.host = sources_.host;
    const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
    // One disk that hangs does not cost the others.
    status.Update(printed.status());
    if (!printed.ok()) continue;
    auto health = ParseSmartReport(device, *printed);
    status.Update(health.status());
    if (health.ok()) details.smart.push_back(*std::move(health));
  }
  co_return status;
}

}  // namespace tentacle::agent
