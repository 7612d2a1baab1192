// A device as the protocol buffer that is stored and answered.
#pragma once

#include <tentacle/discovery/v1/discovery_service.pb.h>

#include <optional>
#include <string>

#include <absl/time/time.h>

#include "services/discovery/core/device_table.h"

namespace tentacle::discovery {

v1::Device ToMessage(const Device& device);
// Nothing when it is not one of ours: no MAC, no address.
std::optional<Device> FromMessage(const v1::Device& message);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);

// "2026-01-31T12:00:00.123Z" (RFC 3339), as times are on the wire.
std::string TimeText(absl::Time time);
// "10.1.2.3".
std::string AddressText(std::uint32_t address);

}  // namespace tentacle::discovery
