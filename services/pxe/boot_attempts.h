// Boots that get no answer: told to the backend with what the firmware said about itself, and never
// offered anything.
#pragma once

#include <cstddef>
#include <map>

#include <absl/time/time.h>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/core/boot_request.h"
#include "services/pxe/metrics.h"

namespace tentacle::pxe {

// Home thread only. Bounded in memory and in what it says (limits.h): a MAC costs nothing to
// invent.
class BootAttempts {
 public:
  BootAttempts(const runtime::Clock& clock,
               runtime::Log log,
               events::EventLog& events,
               Metrics& metrics)
      : clock_(clock), log_(std::move(log)), events_(events), metrics_(metrics) {}

  void Unanswered(const BootRequest& boot, DropReason reason);

 private:
  bool IsNews(const wire::MacAddress& mac, absl::Time now);

  const runtime::Clock& clock_;
  runtime::Log log_;
  events::EventLog& events_;
  Metrics& metrics_;
  std::map<wire::MacAddress, absl::Time> told_;
  absl::Time minute_ = absl::InfinitePast();
  std::size_t in_minute_ = 0;
};

}  // namespace tentacle::pxe
