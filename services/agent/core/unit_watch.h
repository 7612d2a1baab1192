// Units that shall be active: what is told about them, and when one is started again.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace tentacle::agent {

struct WatchedUnit {
  std::string unit;
  bool restart = false;
};

// "nginx.service", "restart:nginx.service". InvalidArgument names what is no unit.
absl::StatusOr<WatchedUnit> ParseWatchedUnit(std::string_view text);

// What `systemctl is-active` prints for these units, a line each; "unknown" where one is missing.
std::map<std::string, std::string> ParseIsActive(const std::vector<WatchedUnit>& units,
                                                 std::string_view text);

class UnitWatch {
 public:
  struct Step {
    struct Change {
      std::string unit;
      std::string state;  // "active", "failed", …
      bool expected = false;
    };

    std::vector<Change> changes;      // To be told.
    std::vector<std::string> starts;  // To be started again.
  };

  // A unit that is first seen as it should be is nothing to tell. One that is not is started at
  // most kStarts times, kStartPause apart; when it has been active for that long it has them again.
  Step Look(const std::vector<WatchedUnit>& units,
            const std::map<std::string, std::string>& states,
            absl::Time now);

  static constexpr int kStarts = 3;
  static constexpr absl::Duration kStartPause = absl::Minutes(5);

 private:
  struct Known {
    std::string state;
    int starts = 0;
    absl::Time started = absl::InfinitePast();
  };

  std::map<std::string, Known> known_;
};

}  // namespace tentacle::agent
