// Why a tentacle is away, in words for the page. Pure.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace tentacle::backend {

// `end` is what WebSocket::Read() ended with; DataLoss: the backend could not store a report.
std::string OfflineReason(const absl::Status& end);

}  // namespace tentacle::backend
