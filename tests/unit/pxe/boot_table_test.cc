#include "services/pxe/core/boot_table.h"

#include <gtest/gtest.h>

#include "services/pxe/limits.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using task::v1::TASK_STATUS_BOOTING;
using task::v1::TASK_STATUS_CANCELLED;
using task::v1::TASK_STATUS_COMPLETE;
using task::v1::TASK_STATUS_FAILED;
using task::v1::TASK_STATUS_INSTALLING;
using task::v1::TASK_STATUS_WAITING;

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);
constexpr char kClient[] = "192.168.10.101";

class BootTableTest : public ::testing::Test {
 protected:
  BootTableTest() { table_.Replace(1, {Task("t1")}, kNow); }

  const TrackedTask& Get() { return *table_.Find(kMac); }

  OrdersVerdict Judge(const std::string& token,
                      std::string_view address = kClient,
                      absl::Time now = kNow) {
    const TrackedTask* task = nullptr;
    return table_.JudgeOrders(token, address, now, &task);
  }

  // The task as it is when the installer runs.
  void Install() {
    table_.Step(kMac, BootStep::kScriptFetched, kNow);
    table_.Redeem(kMac, kClient, kNow);
  }

  absl::Status Say(const std::string& event, std::string message = "") {
    Report report;
    report.event = event;
    report.message = std::move(message);
    return table_.Apply("t1", table_.CallbackToken(Get()), report, kNow, &changed_);
  }

  BootTable table_{"a secret of thirty-two octets...."};
  const TrackedTask* changed_ = nullptr;
};

TEST_F(BootTableTest, NewTaskWaits) {
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_WAITING);
  EXPECT_EQ(table_.revision(), 1u);
  EXPECT_EQ(table_.FindById("t1"), &Get());
  EXPECT_EQ(table_.Find(kOtherMac), nullptr);
}

TEST_F(BootTableTest, KnownTaskKeepsItsProgress) {
  Install();
  const Replacement change = table_.Replace(2, {Task("t1"), Task("t2", kOtherMac)}, kNow);
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_INSTALLING);
  EXPECT_EQ(change.added, std::vector<wire::MacAddress>{kOtherMac});
  EXPECT_TRUE(change.cancelled.empty());
  EXPECT_TRUE(change.removed.empty());
}

TEST_F(BootTableTest, MissingTaskIsCancelledAndRemoved) {
  const Replacement change = table_.Replace(2, {}, kNow);
  ASSERT_EQ(change.cancelled.size(), 1u);
  EXPECT_EQ(change.cancelled[0].progress.status(), TASK_STATUS_CANCELLED);
  EXPECT_EQ(change.removed, std::vector<wire::MacAddress>{kMac});
  EXPECT_EQ(table_.Find(kMac), nullptr);
}

TEST_F(BootTableTest, FinishedTaskThatIsMissingIsRemovedWithoutBeingCancelled) {
  Install();
  ASSERT_TRUE(Say("done").ok());
  const Replacement change = table_.Replace(2, {}, kNow);
  EXPECT_TRUE(change.cancelled.empty());
  EXPECT_EQ(change.removed.size(), 1u);
}

TEST_F(BootTableTest, AnotherTaskForTheSameMachineCancelsTheFirst) {
  Install();
  const Replacement change = table_.Replace(2, {Task("t2")}, kNow);
  ASSERT_EQ(change.cancelled.size(), 1u);
  EXPECT_EQ(change.cancelled[0].task.id(), "t1");
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_WAITING);
  EXPECT_TRUE(change.removed.empty());  // Its file is written anew.
}

TEST_F(BootTableTest, CompleteTaskIsNotCancelledByTheNextOfItsMachine) {
  Install();
  ASSERT_TRUE(Say("done").ok());
  const Replacement change = table_.Replace(2, {Task("t2")}, kNow);
  EXPECT_TRUE(change.cancelled.empty());
  EXPECT_EQ(change.added.size(), 1u);
  EXPECT_EQ(Get().task.id(), "t2");
}

TEST_F(BootTableTest, OtherOperatingSystemsAreRefusedWithAReason) {
  task::v1::BootTask other = Task("t3", kOtherMac);
  other.set_os_type("beos");
  const Replacement change = table_.Replace(2, {Task("t1"), other}, kNow);
  ASSERT_EQ(change.refused.size(), 1u);
  EXPECT_EQ(change.refused[0].task_id, "t3");
  EXPECT_EQ(change.refused[0].reason, "os type beos is not known to this version");
  EXPECT_EQ(table_.Find(kOtherMac), nullptr);
}

TEST_F(BootTableTest, TasksThatAreNoneAreRefusedAndTheOthersTaken) {
  task::v1::BootTask no_mac = Task("t3");
  no_mac.set_mac("not a mac");
  task::v1::BootTask no_image = Task("t4", kOtherMac);
  no_image.clear_image_id();
  const Replacement change = table_.Replace(2, {no_mac, no_image, Task("t1"), Task("t5")}, kNow);
  EXPECT_EQ(change.refused.size(), 3u);  // t5 has the MAC of t1.
  EXPECT_EQ(Get().task.id(), "t1");
}

TEST_F(BootTableTest, ABootBeginsWithTheFirstDiscoverInAMinute) {
  EXPECT_TRUE(table_.NoteDiscover(kMac, kNow));
  EXPECT_FALSE(table_.NoteDiscover(kMac, kNow + absl::Seconds(12)));
  // Counted from the last one, not from the first.
  EXPECT_FALSE(table_.NoteDiscover(kMac, kNow + absl::Seconds(70)));
  EXPECT_TRUE(table_.NoteDiscover(kMac, kNow + absl::Seconds(131)));
  EXPECT_FALSE(table_.NoteDiscover(kOtherMac, kNow));
}

TEST_F(BootTableTest, ScriptMovesAWaitingTaskOnce) {
  EXPECT_NE(table_.Step(kMac, BootStep::kScriptFetched, kNow), nullptr);
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_BOOTING);
  EXPECT_EQ(table_.Step(kMac, BootStep::kScriptFetched, kNow), nullptr);
}

TEST_F(BootTableTest, ScriptShowsTheSameTokenUntilItIsRedeemed) {
  table_.Step(kMac, BootStep::kScriptFetched, kNow);
  const std::string token = table_.BootToken(Get());
  table_.Step(kMac, BootStep::kScriptFetched, kNow + absl::Seconds(5));
  EXPECT_EQ(table_.BootToken(Get()), token);
  EXPECT_EQ(token.size(), limits::kTokenHexDigits);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(BootTableTest, MachineThatWasResetStartsOverWithFreshTokens) {
  Install();
  ASSERT_TRUE(Say("downloading").ok());
  const std::string boot_token = table_.BootToken(Get());
  const std::string callback_token = table_.CallbackToken(Get());
  const TrackedTask* changed = table_.Step(kMac, BootStep::kScriptFetched, kNow);
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->progress.status(), TASK_STATUS_BOOTING);
  EXPECT_EQ(changed->progress.stage(), "");
  EXPECT_EQ(changed->progress.percent(), 0u);
  EXPECT_NE(table_.BootToken(Get()), boot_token);
  EXPECT_NE(table_.CallbackToken(Get()), callback_token);
  EXPECT_EQ(Judge(boot_token), OrdersVerdict::kUnknownToken);
  EXPECT_EQ(Judge(table_.BootToken(Get())), OrdersVerdict::kGranted);
}

TEST_F(BootTableTest, MachineWhoseDiskIsWrittenDoesNotStartOver) {
  Install();
  ASSERT_TRUE(Say("configuring").ok());
  EXPECT_EQ(table_.Step(kMac, BootStep::kScriptFetched, kNow), nullptr);
  EXPECT_EQ(Get().progress.stage(), "configuring");
  EXPECT_EQ(Judge(table_.BootToken(Get())), OrdersVerdict::kUnknownToken);
}

TEST_F(BootTableTest, TokensOfTasksPurposesAndSecretsDiffer) {
  table_.Replace(2, {Task("t1"), Task("t2", kOtherMac)}, kNow);
  EXPECT_NE(table_.BootToken(Get()), table_.BootToken(*table_.Find(kOtherMac)));
  EXPECT_NE(table_.BootToken(Get()), table_.CallbackToken(Get()));
  BootTable other("another secret of thirty-two octets");
  EXPECT_NE(table_.BootToken(Get()), other.BootToken(Get()));
}

TEST_F(BootTableTest, OrdersAreGrantedToTheFirstAddressThreeTimes) {
  const std::string token = table_.BootToken(Get());
  for (unsigned i = 0; i < limits::kMaxOrderFetches; ++i) {
    EXPECT_EQ(Judge(token), OrdersVerdict::kGranted) << i;
    table_.Redeem(kMac, kClient, kNow);
  }
  EXPECT_EQ(Judge(token), OrdersVerdict::kUsedUp);
}

TEST_F(BootTableTest, OrdersAreNotGrantedToASecondAddress) {
  const std::string token = table_.BootToken(Get());
  table_.Redeem(kMac, kClient, kNow);
  EXPECT_EQ(Judge(token, "192.168.10.102"), OrdersVerdict::kUsedUp);
  EXPECT_EQ(Judge(token), OrdersVerdict::kGranted);
}

TEST_F(BootTableTest, OrdersAreNotRepeatedAfterTheWindow) {
  const std::string token = table_.BootToken(Get());
  table_.Redeem(kMac, kClient, kNow);
  EXPECT_EQ(Judge(token, kClient, kNow + limits::kOrderWindow), OrdersVerdict::kGranted);
  EXPECT_EQ(Judge(token, kClient, kNow + limits::kOrderWindow + absl::Seconds(1)),
            OrdersVerdict::kUsedUp);
}

TEST_F(BootTableTest, GuessedTokensAreUnknown) {
  for (const char* token : {"", "0", "00000000000000000000000000000000"}) {
    EXPECT_EQ(Judge(token), OrdersVerdict::kUnknownToken) << token;
  }
}

TEST_F(BootTableTest, InstallerEventsMoveStageAndPercent) {
  Install();
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_INSTALLING);
  ASSERT_TRUE(Say("booted", "hello").ok());
  EXPECT_EQ(changed_->progress.stage(), "booted");
  EXPECT_EQ(changed_->progress.percent(), 5u);
  EXPECT_EQ(changed_->progress.message(), "hello");
  ASSERT_TRUE(Say("done").ok());
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_COMPLETE);
  EXPECT_EQ(Get().progress.percent(), 100u);
}

TEST_F(BootTableTest, FailureKeepsThePercentAndSaysWhy) {
  Install();
  ASSERT_TRUE(Say("downloading").ok());
  Report report;
  report.event = "failed";
  report.message = "gave up";
  report.error = "the disk is too small";
  ASSERT_TRUE(table_.Apply("t1", table_.CallbackToken(Get()), report, kNow, &changed_).ok());
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_FAILED);
  EXPECT_EQ(Get().progress.percent(), 15u);
  EXPECT_EQ(Get().progress.message(), "the disk is too small");
}

TEST_F(BootTableTest, OvertakenReportDoesNotMoveTheStageBack) {
  Install();
  ASSERT_TRUE(Say("configuring").ok());
  ASSERT_TRUE(Say("downloading", "70 % written").ok());
  EXPECT_EQ(changed_, nullptr);
  EXPECT_EQ(Get().progress.stage(), "configuring");
  EXPECT_FALSE(NeedsNetworkBoot(Get().progress));  // Or the machine would be installed once more.
}

TEST_F(BootTableTest, RepeatedDoneIsKnownAlready) {
  Install();
  ASSERT_TRUE(Say("done").ok());
  ASSERT_TRUE(Say("done").ok());
  EXPECT_EQ(changed_, nullptr);
}

TEST_F(BootTableTest, FinishedTaskTakesNoFurtherEvent) {
  Install();
  ASSERT_TRUE(Say("done").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Say("failed")));
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_COMPLETE);
}

TEST_F(BootTableTest, WrongTokenIsToldNothingAboutTheTask) {
  Install();
  Report report;
  report.event = "done";
  const auto wrong = table_.Apply("t1", "0123", report, kNow, &changed_);
  const auto absent = table_.Apply("t9", "0123", report, kNow, &changed_);
  EXPECT_TRUE(absl::IsUnauthenticated(wrong));
  EXPECT_EQ(wrong, absent);
  // The token of the orders is not that of the callbacks.
  EXPECT_TRUE(absl::IsUnauthenticated(
      table_.Apply("t1", table_.BootToken(Get()), report, kNow, &changed_)));
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_INSTALLING);
}

TEST_F(BootTableTest, UnknownEventIsRefused) {
  Install();
  EXPECT_TRUE(absl::IsInvalidArgument(Say("exploded")));
}

TEST_F(BootTableTest, MessageBecomesOneLineAndIsCutBetweenCharacters) {
  Install();
  ASSERT_TRUE(Say("booted", "a\nb\tc\x7f").ok());
  EXPECT_EQ(Get().progress.message(), "a b c ");
  std::string umlauts = "x";
  while (umlauts.size() < 2 * limits::kMaxMessageBytes)
    umlauts += "\xc3\xa4";
  ASSERT_TRUE(Say("booted", umlauts).ok());
  EXPECT_EQ(Get().progress.message().size(), limits::kMaxMessageBytes - 1);
  EXPECT_EQ(Get().progress.message().back(), '\xa4');
}

TEST_F(BootTableTest, SameSentenceIsSaidOnce) {
  EXPECT_TRUE(table_.SetMessage(kMac, "the cache is away", kNow));
  EXPECT_FALSE(table_.SetMessage(kMac, "the cache is away", kNow));
  EXPECT_TRUE(table_.SetMessage(kMac, "the image failed", kNow));
  EXPECT_FALSE(table_.SetMessage(kOtherMac, "x", kNow));
  EXPECT_EQ(Get().progress.status(), TASK_STATUS_WAITING);
}

TEST_F(BootTableTest, RestoredTaskGoesOnWithTheSameTokens) {
  Install();
  const std::string token = table_.CallbackToken(Get());
  BootTable after("a secret of thirty-two octets....");
  after.Restore(Get());
  after.Replace(1, {Task("t1")}, kNow);
  EXPECT_EQ(after.Find(kMac)->progress.status(), TASK_STATUS_INSTALLING);
  EXPECT_EQ(after.CallbackToken(*after.Find(kMac)), token);
}

}  // namespace
}  // namespace tentacle::pxe
