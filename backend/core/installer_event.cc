#include "backend/core/installer_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tentacle::backend {

namespace {

struct Event {
  std::string_view name;
  std::string_view status;
  int progress;
};

constexpr std::array<Event, 8> kEvents = {{
    {"booted", "installing", 5},
    {"downloading", "installing", 15},
    {"partitioning", "installing", 25},
    {"applying", "installing", 50},
    {"configuring", "installing", 85},
    {"firstboot", "installing", 95},
    {"done", "complete", 100},
    {"failed", "failed", -1},
}};

}  // namespace

absl::StatusOr<TaskReport> ReadInstallerEvent(const std::string& event,
                                              const std::string& message,
                                              const std::string& error,
                                              int progress) {
  for (const Event& known : kEvents) {
    if (known.name != event) continue;
    TaskReport report;
    report.status = known.status;
    report.stage = event;
    report.message = error.empty() ? message : error;
    const int percent = progress >= 0 ? std::min(progress, 100) : known.progress;
    if (percent >= 0) report.progress = percent;
    return report;
  }
  return absl::InvalidArgumentError(
      fmt::format("event: \"{}\" is none of the installer's events", event));
}

}  // namespace tentacle::backend
