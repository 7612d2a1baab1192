#include "services/agent/core/parse_apt_simulation.h"

#include <string>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

std::vector<PendingUpdate> ParseAptSimulation(std::string_view text) {
  constexpr std::string_view kInst = "Inst ";
  std::vector<PendingUpdate> updates;
  for (auto line : Lines(text)) {
    if (!line.starts_with(kInst)) continue;
    line.remove_prefix(kInst.size());
    const auto name_end = line.find(' ');
    const auto open = line.find('(');
    const auto close = line.rfind(')');
    if (name_end == std::string_view::npos || open == std::string_view::npos ||
        close == std::string_view::npos || close < open) {
      continue;
    }
    PendingUpdate update;
    update.name = CleanField(line.substr(0, name_end));
    const auto bracket = line.find('[');
    // A package that is new comes in with an update; it has no version before.
    if (bracket < open) {
      update.installed =
          CleanField(line.substr(bracket + 1, line.find(']', bracket) - bracket - 1));
    }
    const auto inside = line.substr(open + 1, close - open - 1);
    const auto candidate_end = inside.find(' ');
    update.candidate = CleanField(inside.substr(0, candidate_end));
    const auto origins =
        candidate_end == std::string_view::npos ? std::string_view() : inside.substr(candidate_end);
    update.security = origins.find("-security") != std::string_view::npos ||
                      origins.find("Debian-Security") != std::string_view::npos;
    if (!update.name.empty()) updates.push_back(std::move(update));
  }
  return updates;
}

}  // namespace tentacle::agent
