// Which images have to go so that another finds room. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace tentacle::cache {

struct Resident {
  std::string id;
  std::uint64_t bytes = 0;  // On disk, also of a pull that is not complete.
  absl::Time last_used;
  // Why it stays: "in use", "pinned", "needed by a task". Empty: it may go.
  std::string kept_for;
};

struct Room {
  std::uint64_t max_bytes = 0;
  std::uint64_t disk_free = 0;
  std::uint64_t min_free = 0;
};

// The least recently used first, no more than needed. ResourceExhausted says what is needed, what
// could be freed and what cannot.
absl::StatusOr<std::vector<std::string>> PlanEviction(std::vector<Resident> residents,
                                                      const Room& room,
                                                      std::uint64_t need);

}  // namespace tentacle::cache
