// What the backend is told: bodies of "discovery.result" and "wake.sent" (docs/protocol.md section
// 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/wire/mac_address.h"
#include "services/discovery/arp_scanner.h"

namespace tentacle::discovery {

// The result for one request, as one body or more: each holds limits::kMaxDevicesPerEvent devices
// at most and repeats the other fields. A sweep that found nobody has one body with an empty list.
std::vector<std::string> ScanResultBodies(const ScanResult& result, std::string_view scan_id);

// `command_id` empty: nobody's command; the field is left out.
std::string WakeSentBody(std::string_view command_id,
                         const wire::MacAddress& mac,
                         std::uint32_t packets);

}  // namespace tentacle::discovery
