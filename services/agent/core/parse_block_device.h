// The files of one entry of /sys/block -> a disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// Texts of the files; empty where one is missing.
struct BlockDeviceFiles {
  std::string name;
  std::string size;        // In sectors of 512 octets, whatever the medium's own are.
  std::string rotational;  // queue/rotational
  std::string removable;
  std::string model;       // device/model, device/name (MMC)
  std::string serial;      // device/serial (NVMe, MMC), serial (virtio)
  std::string vpd_page80;  // device/vpd_pg80 (SCSI, SATA): binary
};

// Nothing for what is no disk (loop, RAM, optical, mapped, empty reader).
std::optional<Disk> ParseBlockDevice(const BlockDeviceFiles& files);

// The serial number of VPD page 0x80 (SPC-4 section 7.8.14): four octets of header, then the text.
std::string ParseVpdPage80(std::string_view page);

}  // namespace tentacle::agent
