#include "services/agent/core/parse_uptime.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<std::uint64_t> ParseUptime(std::string_view text) {
  constexpr double kMostSeconds = 1e12;  // 30,000 years; the cast below is defined up to here.
  const auto fields = Fields(text);
  const auto seconds = fields.empty() ? std::nullopt : ToDouble(fields[0]);
  if (!seconds || *seconds > kMostSeconds) {
    return absl::InvalidArgumentError("uptime: no number of seconds");
  }
  return static_cast<std::uint64_t>(*seconds);
}

}  // namespace tentacle::agent
