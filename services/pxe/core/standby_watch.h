// Two tentacles in one segment have a task: when the one that only stands by may answer. Firmware
// repeats its DISCOVER under one transaction for as long as nobody who boots machines answers
// (field notes: after 4, 8 and 16 s), so that repetitions are attempts that were left unanswered.
// Pure.
#pragma once

#include <cstdint>
#include <map>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

class StandbyWatch {
 public:
  // A DISCOVER that the task's owner has to answer. True: it has left limits::kUnansweredRetries
  // repetitions unanswered, and the machine is ours from now on.
  bool Unanswered(const wire::MacAddress& mac, std::uint32_t transaction, absl::Time now);

  bool IsOurs(const wire::MacAddress& mac) const;

  // The task has gone, or its roles have changed.
  void Forget(const wire::MacAddress& mac) { machines_.erase(mac); }

 private:
  struct Attempts {
    std::uint32_t transaction = 0;
    unsigned seen = 0;
    absl::Time last = absl::InfinitePast();
    bool ours = false;
  };

  std::map<wire::MacAddress, Attempts> machines_;  // Of standby tasks, at most limits::kMaxTasks.
};

}  // namespace tentacle::pxe
