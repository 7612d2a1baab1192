// Two tentacles in one segment have a task: when the one that only stands by may answer, and how
// long a machine waits until the backend has said whose the task is. Pure.
#pragma once

#include <cstdint>
#include <map>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

// Firmware repeats its DISCOVER under one transaction for as long as nobody who boots machines
// answers (field notes: after 4, 8 and 16 s), so that repetitions are attempts that were left
// unanswered.
class StandbyWatch {
 public:
  // A DISCOVER that the task's owner has to answer. True: it has left limits::kUnansweredRetries
  // repetitions unanswered, and the machine is ours for limits::kTakeoverLasts after its last one.
  bool Unanswered(const wire::MacAddress& mac, std::uint32_t transaction, absl::Time now);

  bool IsOurs(const wire::MacAddress& mac, absl::Time now) const;

  // The task has gone, or its roles have changed.
  void Forget(const wire::MacAddress& mac) { machines_.erase(mac); }

 private:
  struct Attempts {
    std::uint32_t transaction = 0;
    unsigned seen = 0;
    absl::Time counted = absl::InfinitePast();
    absl::Time last = absl::InfinitePast();
    bool ours = false;
  };

  std::map<wire::MacAddress, Attempts> machines_;  // Of standby tasks, at most limits::kMaxTasks.
};

// A machine that asks for the script of a task which is not ours alone.
class SharedWaits {
 public:
  enum class Step {
    kTell,  // It begins to wait, or has waited long: the backend is to be told (again).
    kWait,
    kGiveUp,  // It starts from its disk: it may be one that the other tentacle has installed.
  };

  Step Ask(const wire::MacAddress& mac, absl::Time now);

  void Forget(const wire::MacAddress& mac) { machines_.erase(mac); }

 private:
  struct Wait {
    absl::Time began;
    absl::Time last;
    absl::Time told;
  };

  std::map<wire::MacAddress, Wait> machines_;  // As above.
};

}  // namespace tentacle::pxe
