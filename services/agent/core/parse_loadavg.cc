#include "services/agent/core/parse_loadavg.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<double> ParseLoadAvg(std::string_view text) {
  const auto fields = Fields(text);
  if (fields.size() < 3) return absl::InvalidArgumentError("loadavg: fewer than three averages");
  const auto load = ToDouble(fields[0]);
  if (!load) return absl::InvalidArgumentError("loadavg: the first average is no number");
  return *load;
}

}  // namespace tentacle::agent
