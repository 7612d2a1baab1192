#include "services/agent/core/unit_watch.h"

#include <fmt/format.h>

#include <set>

#include "libs/backend_link/job.h"
#include "libs/text/view.h"
#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<WatchedUnit> ParseWatchedUnit(std::string_view text) {
  constexpr std::string_view kRestart = "restart:";
  WatchedUnit watched;
  watched.restart = text.starts_with(kRestart);
  watched.unit = std::string(watched.restart ? text.substr(kRestart.size()) : text);
  if (backend_link::IsUnitName(watched.unit)) return watched;
  const std::string sentence = fmt::format("\"{}\" is no unit with its suffix", watched.unit);
  return absl::InvalidArgumentError(text::AbslView(sentence));
}

std::map<std::string, std::string> ParseIsActive(const std::vector<WatchedUnit>& units,
                                                 std::string_view text) {
  std::map<std::string, std::string> states;
  const auto lines = Lines(text);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::string state = i < lines.size() ? CleanField(Trim(lines[i])) : "";
    states[units[i].unit] = state.empty() ? "unknown" : state;
  }
  return states;
}

UnitWatch::Step UnitWatch::Look(const std::vector<WatchedUnit>& units,
                                const std::map<std::string, std::string>& states,
                                absl::Time now) {
  Step step;
  std::set<std::string> listed;
  for (const auto& [unit, restart] : units) {
    listed.insert(unit);
    const auto found = states.find(unit);
    const std::string state = found == states.end() ? "unknown" : found->second;
    const bool good = state == "active";
    const auto [at, fresh] = known_.try_emplace(unit);
    auto& known = at->second;
    const bool changed = known.state != state;
    known.state = state;
    if (changed && !(fresh && good)) step.changes.push_back({unit, state, good});
    if (good) {
      if (now - known.started >= kStartPause) known.starts = 0;
      continue;
    }
    // One that is on its way is left alone.
    const bool down = state == "inactive" || state == "failed";
    if (restart && down && known.starts < kStarts && now - known.started >= kStartPause) {
      ++known.starts;
      known.started = now;
      step.starts.push_back(unit);
    }
  }
  std::erase_if(known_, [&listed](const auto& one) { return !listed.contains(one.first); });
  return step;
}

}  // namespace tentacle::agent
