// What `smartctl -j` prints -> the health of a disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// `smartctl --scan -j`: what there is to ask, also behind a RAID controller.
struct SmartDevice {
  std::string device;  // "/dev/sda", "/dev/bus/0"
  std::string type;    // "-d": "sat", "nvme", "megaraid,3"
};

absl::StatusOr<std::vector<SmartDevice>> ParseSmartScan(std::string_view text);

// `smartctl -j -n standby -i -H -A`. InvalidArgument when it is no such report.
absl::StatusOr<SmartHealth> ParseSmartReport(const SmartDevice& device, std::string_view text);

}  // namespace tentacle::agent
