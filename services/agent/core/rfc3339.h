// A moment as the wire writes it (RFC 3339, UTC, milliseconds).
#pragma once

#include <string>

#include <absl/time/time.h>

namespace tentacle::agent {

inline std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace tentacle::agent
