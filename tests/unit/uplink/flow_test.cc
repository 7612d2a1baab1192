#include "services/uplink/core/flow.h"

#include <gtest/gtest.h>

namespace tentacle::uplink {
namespace {

using event::v1::PRIORITY_INVENTORY;
using event::v1::PRIORITY_METRIC;
using event::v1::PRIORITY_RESULT;

TEST(Flow, NoMoreThanTheWindowIsUnderWay) {
  Flow flow(2, 256);
  flow.OnGone();
  EXPECT_TRUE(flow.MayGo(PRIORITY_METRIC));
  flow.OnGone();
  EXPECT_FALSE(flow.MayGo(PRIORITY_RESULT));
  flow.OnArrived(1);
  EXPECT_TRUE(flow.MayGo(PRIORITY_RESULT));
}

TEST(Flow, WaitingResultKeepsMetricsAndInventoriesBack) {
  Flow flow(8, 256);
  flow.BeginWaiting(PRIORITY_RESULT);
  EXPECT_FALSE(flow.MayGo(PRIORITY_METRIC));
  EXPECT_FALSE(flow.MayGo(PRIORITY_INVENTORY));
  EXPECT_TRUE(flow.MayGo(PRIORITY_RESULT));
  flow.EndWaiting(PRIORITY_RESULT);
  flow.BeginWaiting(PRIORITY_METRIC);
  EXPECT_TRUE(flow.MayGo(PRIORITY_INVENTORY));
}

TEST(Flow, GrantOfNothingIsAPauseUntilTheNext) {
  Flow flow(8, 256);
  flow.Grant(0);
  EXPECT_FALSE(flow.MayGo(PRIORITY_RESULT));
  flow.Grant(1);
  EXPECT_TRUE(flow.MayGo(PRIORITY_RESULT));
}

TEST(Flow, SmallerGrantWaitsForWhatIsUnderWay) {
  Flow flow(8, 256);
  for (int i = 0; i < 5; ++i)
    flow.OnGone();
  flow.Grant(3);
  EXPECT_FALSE(flow.MayGo(PRIORITY_RESULT));
  flow.OnArrived(3);
  EXPECT_TRUE(flow.MayGo(PRIORITY_RESULT));
}

TEST(Flow, AbsurdGrantIsCut) {
  Flow flow(8, 256);
  flow.Grant(~std::uint64_t{0});
  EXPECT_EQ(flow.window(), 256u);
}

}  // namespace
}  // namespace tentacle::uplink
