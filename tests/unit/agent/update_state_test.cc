// The steps of an update: every pair of step and event, the links, attempts, and the record's text.
#include "services/agent/core/update_state.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/update_plan.h"
#include "services/agent/limits.h"
#include "tests/support/golden.h"
#include "tests/unit/agent/release_maker.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

constexpr UpdateStep kSteps[] = {
    UpdateStep::kIdle,      UpdateStep::kDownloading, UpdateStep::kVerified,
    UpdateStep::kStaged,    UpdateStep::kSwitched,    UpdateStep::kProbation,
    UpdateStep::kCommitted, UpdateStep::kRolledBack,  UpdateStep::kBlocked,
};
constexpr UpdateEvent kEvents[] = {
    UpdateEvent::kOrdered, UpdateEvent::kVerified, UpdateEvent::kStaged, UpdateEvent::kSwitch,
    UpdateEvent::kStart,   UpdateEvent::kHealthy,  UpdateEvent::kFail,   UpdateEvent::kInterrupted,
};

class UpdateStateTest : public ::testing::Test {
 protected:
  UpdateStateTest() { record_.installed = {"old", 11, "a", "roots"}; }

  bool Begin(std::uint64_t version = 12) {
    maker_.manifest.version = version;
    return BeginUpdate(record_, maker_.Offer(), maker_.manifest, "roots");
  }

  bool On(UpdateEvent event, absl::Time now = kNow, const std::string& reason = "") {
    return Advance(record_, event, now, reason);
  }

  void BringToProbation() {
    ASSERT_TRUE(Begin());
    for (const UpdateEvent event :
         {UpdateEvent::kVerified, UpdateEvent::kStaged, UpdateEvent::kSwitch, UpdateEvent::kStart})
      ASSERT_TRUE(On(event)) << Name(event);
  }

  testing::ReleaseMaker maker_{kNow};
  UpdateRecord record_;
};

TEST_F(UpdateStateTest, EveryPairOfStepAndEvent) {
  std::ostringstream matrix;
  for (const UpdateStep step : kSteps) {
    for (const UpdateEvent event : kEvents) {
      const auto next = NextStep(step, event);
      matrix << Name(step) << " + " << Name(event) << " -> " << (next ? Name(*next) : "-") << "\n";
    }
  }
  ::tentacle::testing::ExpectGolden("../unit/agent/update_state_matrix.txt", matrix.str());
}

TEST_F(UpdateStateTest, GoodReleaseBecomesTheInstalledOne) {
  BringToProbation();
  EXPECT_EQ(LinksOf(record_).current, "b");
  EXPECT_EQ(LinksOf(record_).committed, "a");
  ASSERT_TRUE(On(UpdateEvent::kHealthy));
  EXPECT_EQ(record_.step, UpdateStep::kCommitted);
  EXPECT_EQ(record_.installed.version, 12u);
  EXPECT_EQ(LinksOf(record_).current, "b");
  EXPECT_EQ(LinksOf(record_).committed, "b");
  EXPECT_FALSE(record_.reported);
  // The next one goes into the slot of the one before.
  ASSERT_TRUE(Begin(13));
  EXPECT_EQ(record_.candidate.slot, "a");
  EXPECT_EQ(LinksOf(record_).current, "b");
}

TEST_F(UpdateStateTest, LinksLeaveTheInstalledReleaseOnTrialOnly) {
  for (const UpdateStep step : kSteps) {
    record_.step = step;
    record_.candidate.slot = "b";
    const bool trial = step == UpdateStep::kSwitched || step == UpdateStep::kProbation;
    EXPECT_EQ(LinksOf(record_).current, trial ? "b" : "a") << Name(step);
    EXPECT_EQ(LinksOf(record_).committed, "a") << Name(step);
  }
}

TEST_F(UpdateStateTest, ReleaseThatIsNotHealthyInTimeIsRolledBackWhenItStartsAgain) {
  BringToProbation();
  ASSERT_TRUE(On(UpdateEvent::kStart, kNow + limits::kProbation));
  EXPECT_EQ(record_.step, UpdateStep::kRolledBack);
  EXPECT_THAT(record_.reason, HasSubstr("not healthy in time"));
  EXPECT_EQ(LinksOf(record_).current, "a");
  EXPECT_EQ(record_.installed.version, 11u);
}

TEST_F(UpdateStateTest, ReleaseThatEndsAgainAndAgainIsRolledBack) {
  BringToProbation();
  for (int start = 1; start < limits::kProbationStarts; ++start) {
    ASSERT_TRUE(On(UpdateEvent::kStart, kNow + absl::Seconds(start)));
    ASSERT_EQ(record_.step, UpdateStep::kProbation) << start;
  }
  ASSERT_TRUE(On(UpdateEvent::kStart, kNow + absl::Seconds(20)));
  EXPECT_EQ(record_.step, UpdateStep::kRolledBack);
  EXPECT_THAT(record_.reason, HasSubstr("ended again and again"));
}

TEST_F(UpdateStateTest, StartsDoNotLengthenTheProbation) {
  BringToProbation();
  const absl::Time deadline = record_.deadline;
  ASSERT_TRUE(On(UpdateEvent::kStart, kNow + absl::Seconds(60)));
  EXPECT_EQ(record_.deadline, deadline);
}

TEST_F(UpdateStateTest, ThirdFailedAttemptBlocksTheVersion) {
  for (int attempt = 1; attempt <= limits::kUpdateAttempts; ++attempt) {
    ASSERT_TRUE(Begin()) << attempt;
    ASSERT_TRUE(On(UpdateEvent::kFail, kNow, "the disk is full"));
    const bool last = attempt == limits::kUpdateAttempts;
    EXPECT_EQ(record_.step, last ? UpdateStep::kBlocked : UpdateStep::kRolledBack) << attempt;
  }
  EXPECT_FALSE(Begin());
  EXPECT_TRUE(Begin(13));  // Another version is not.
}

TEST_F(UpdateStateTest, PowerCutsBreakTheirOwnLoop) {
  ASSERT_TRUE(Begin());
  int cuts = 0;
  while (!IsSettled(record_.step) && cuts < 100) {
    ASSERT_TRUE(On(UpdateEvent::kInterrupted));
    ++cuts;
  }
  EXPECT_EQ(record_.step, UpdateStep::kBlocked);
  EXPECT_EQ(cuts, limits::kUpdateAttempts);
}

TEST_F(UpdateStateTest, SuccessForgetsTheFailuresBefore) {
  ASSERT_TRUE(Begin());
  ASSERT_TRUE(On(UpdateEvent::kFail, kNow, "x"));
  BringToProbation();
  ASSERT_TRUE(On(UpdateEvent::kHealthy));
  EXPECT_TRUE(record_.attempts.empty());
}

TEST_F(UpdateStateTest, OnlySoManyVersionsAreRemembered) {
  for (std::uint64_t version = 20; version < 20 + 2 * limits::kVersionsRemembered; ++version) {
    ASSERT_TRUE(Begin(version));
    ASSERT_TRUE(On(UpdateEvent::kFail, kNow, "x"));
  }
  EXPECT_EQ(record_.attempts.size(), limits::kVersionsRemembered);
}

TEST_F(UpdateStateTest, OneAtATime) {
  ASSERT_TRUE(Begin());
  EXPECT_FALSE(Begin(13));
  EXPECT_EQ(record_.candidate.version, 12u);
}

TEST_F(UpdateStateTest, FastForwardEndsWithTheRootKeys) {
  record_.installed = {"absurd", backend_link::kMaxReleaseVersion, "a", RootKeysId({"stolen"})};
  maker_.manifest.version = 12;
  const auto judge = [&](const std::vector<std::string>& roots) {
    const UpdateSetting setting{roots, "x86_64", InstalledVersion(record_, RootKeysId(roots))};
    return JudgeUpdate(maker_.Offer(), setting, kNow).refusal;
  };
  EXPECT_EQ(judge(maker_.Roots()), UpdateRefusal::kNone);
  record_.installed.root_keys = RootKeysId(maker_.Roots());
  EXPECT_EQ(judge(maker_.Roots()), UpdateRefusal::kRollback);
}

TEST_F(UpdateStateTest, RecordSurvivesItsText) {
  ASSERT_TRUE(Begin());
  ASSERT_TRUE(On(UpdateEvent::kFail, kNow, "why \xc3\xa4 \"so\""));
  BringToProbation();
  record_.ready_before = {"pxe", "cache"};
  const std::string text = SerializeUpdate(record_);
  const auto read = ParseUpdate(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(SerializeUpdate(*read), text);
  EXPECT_EQ(read->step, UpdateStep::kProbation);
  EXPECT_EQ(read->deadline, kNow + limits::kProbation);
  EXPECT_LT(text.size(), limits::kMaxUpdateRecordBytes);
}

TEST_F(UpdateStateTest, NoPartOfARecordIsOne) {
  BringToProbation();
  const std::string text = SerializeUpdate(record_);
  for (std::size_t size = 0; size < text.size(); ++size)
    ASSERT_FALSE(ParseUpdate(text.substr(0, size)).ok()) << size;
}

TEST_F(UpdateStateTest, RecordThatPointsNowhereIsNonsense) {
  BringToProbation();
  record_.candidate.slot = "../../bin";
  EXPECT_TRUE(absl::IsDataLoss(ParseUpdate(SerializeUpdate(record_)).status()));
  record_.candidate.slot = "b";
  record_.installed.slot = "b";
  EXPECT_TRUE(absl::IsDataLoss(ParseUpdate(SerializeUpdate(record_)).status()));
}

}  // namespace
}  // namespace tentacle::agent
