// The prepulls that are to be done, in which order, and when. Pure.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/schedule/forecast.h"

namespace tentacle::cache {

// A backend with more wishes than this for one tentacle is out of its mind.
inline constexpr std::size_t kMaxPrepulls = 256;

// A prepull that comes to nothing is tried again after so long, and after twice as long each time
// while no byte comes in the same window; not longer than the shortest sensible window leaves.
inline constexpr absl::Duration kPrepullRetry = absl::Minutes(5);
inline constexpr absl::Duration kPrepullRetryMost = absl::Minutes(30);

std::string_view PrepullStateName(v1::PrepullState state);  // "waiting", "pulling", ...

// What the line gives, and how much of an image is missing here.
struct LineFacts {
  double throughput_mbit = 0;
  schedule::BandwidthCalendar calendar;
  std::function<std::uint64_t(const std::string& image_id)> missing_bytes;
};

class PrepullBook {
 public:
  // Takes it on; one of the same id is changed. InvalidArgument: windows, zone or time;
  // FailedPrecondition: too many. None of it is worth being tried again by itself.
  absl::Status Put(const v1::PlannedPrepull& planned);

  void Remove(const std::string& id) { entries_.erase(id); }

  const v1::PlannedPrepull* Find(const std::string& id) const;
  void SetState(const std::string& id, v1::PrepullState state, const std::string& reason);
  // It came to nothing, or bytes came (`fruitful`) and then no more: not now again.
  void Defer(const std::string& id, absl::Time now, bool fruitful);
  void ForgetDeferrals();
  // Those that were begun, or came to nothing, since they were taken on.
  std::vector<std::string> Tried() const;

  // The one to pull now: of those whose time has come the one with the earliest deadline, the older
  // order first where that is equal.
  std::optional<std::string> Next(absl::Time now) const;
  // When Next() may be another one, if nothing else happens.
  absl::Time NextEdge(absl::Time now) const;
  // May it go on?
  bool IsOpen(const std::string& id, absl::Time now) const;

  schedule::Forecast ForecastOf(const std::string& id,
                                const LineFacts& facts,
                                absl::Time now) const;
  // In the order of their turns.
  std::vector<v1::PlannedPrepull> List() const;

 private:
  struct Entry {
    v1::PlannedPrepull planned;
    std::vector<schedule::Window> windows;
    absl::TimeZone zone;
    absl::Time not_before = absl::InfinitePast();
    absl::Time deadline = absl::InfiniteFuture();
    absl::Time deferred_until = absl::InfinitePast();
    absl::Duration pause = kPrepullRetry;             // The next one.
    absl::Time pause_until = absl::InfiniteFuture();  // Then it begins anew: its window is over.
    std::uint64_t order = 0;
    bool tried = false;
  };

  static bool IsOpen(const Entry& entry, absl::Time now);
  std::vector<const Entry*> InOrder() const;

  std::map<std::string, Entry> entries_;
  std::uint64_t next_order_ = 0;
};

}  // namespace tentacle::cache
