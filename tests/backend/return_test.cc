// How tentacles come back after an outage: when, and with how much at once.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "backend/core/event_window.h"
#include "backend/core/reconnect_slot.h"

namespace tentacle::backend {
namespace {

TEST(ReconnectSlot, FiveThousandComeBackAtAnEvenPaceWithinAMinute) {
  constexpr std::size_t kSessions = 5000;
  std::vector<int> per_second(60);
  for (std::size_t i = 0; i < kSessions; ++i) {
    const absl::Duration slot = ReconnectSlot(i, kSessions, 0.5);
    ASSERT_LT(slot, absl::Seconds(60));
    ++per_second[static_cast<std::size_t>(absl::ToInt64Seconds(slot))];
  }
  EXPECT_LE(*std::max_element(per_second.begin(), per_second.end()), kReturnsPerSecond + 1);
}

TEST(ReconnectSlot, FewComeBackSoonButNotAtOnce) {
  EXPECT_EQ(ReconnectSlot(0, 1, 0), kFirstReturn);
  EXPECT_LT(ReconnectSlot(0, 1, 0.999), kFirstReturn + kShortestSpread);
  EXPECT_EQ(ReconnectSlot(0, 0, 0), kFirstReturn);
}

TEST(EventWindow, IsSharedAndNeverNothing) {
  EXPECT_EQ(EventWindow(0), kUngrantedWindow);
  EXPECT_EQ(EventWindow(64), kUngrantedWindow);
  EXPECT_EQ(EventWindow(128), 32U);
  EXPECT_EQ(EventWindow(5000), kSmallestWindow);
}

}  // namespace
}  // namespace tentacle::backend
