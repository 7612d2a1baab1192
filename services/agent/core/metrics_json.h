// One sample as JSON (docs/protocol.md section 3, "metrics").
#pragma once

#include <string>

#include <absl/time/time.h>

#include "services/agent/core/usage.h"

namespace tentacle::agent {

// Percentages with two decimals.
std::string MetricsJson(const MetricsSample& sample, absl::Time time);

}  // namespace tentacle::agent
