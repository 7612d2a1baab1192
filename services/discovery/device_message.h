// Devices and DHCP servers as the protocol buffers that are stored and answered.
#pragma once

#include <tentacle/discovery/v1/discovery_service.pb.h>

#include <optional>
#include <string>

#include <absl/time/time.h>

#include "services/discovery/core/device.h"
#include "services/discovery/core/dhcp_servers.h"

namespace tentacle::discovery {

v1::Device ToMessage(const Device& device);
// Nothing when it is not one of ours: no MAC, or an address that is none.
std::optional<Device> FromMessage(const v1::Device& message);

v1::DhcpServer ToMessage(const DhcpServer& server);
std::optional<DhcpServer> FromMessage(const v1::DhcpServer& message);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);

google::protobuf::Duration ToDuration(absl::Duration duration);
absl::Duration FromDuration(const google::protobuf::Duration& message);

// "2026-01-31T12:00:00.123Z" (RFC 3339), as times are on the wire.
std::string TimeText(absl::Time time);
// "10.1.2.3"; empty for 0.
std::string AddressText(std::uint32_t address);

}  // namespace tentacle::discovery
