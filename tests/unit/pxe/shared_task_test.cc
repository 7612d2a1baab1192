// Bar B6: two tentacles of one segment have the task of a machine. One of them answers it, the
// other when the first does not, and a disk is written by the one alone that the backend has given
// the task to.
#include <gtest/gtest.h>

#include "services/pxe/limits.h"
#include "tests/unit/pxe/boot_http_fixture.h"

namespace tentacle::pxe {
namespace {

using task::v1::RELAY_ROLE_OWNER;
using task::v1::RELAY_ROLE_STANDBY;
using task::v1::RELAY_ROLE_UNSPECIFIED;
using task::v1::RelayRole;
using task::v1::TASK_STATUS_BOOTING;
using task::v1::TASK_STATUS_WAITING;
using ::testing::HasSubstr;
using testing::kMac;
using ::testing::Not;

constexpr char kWaits[] = "waiting for the backend to say whose it is";

class SharedTaskTest : public BootHttpTest {
 protected:
  void PushAs(RelayRole role) {
    task::v1::BootTask task = testing::Task("t1");
    task.set_relay(role);
    Push(++revision_, {task});
  }

  std::optional<DropReason> Ask(std::uint32_t transaction, DhcpPort port = DhcpPort::kDhcp) {
    BootRequest boot;
    boot.mac = kMac;
    boot.transaction = transaction;
    world_.clock.now += absl::Seconds(4);
    const auto reason = world_.desk().Admit(boot, port);
    world_.Settle();
    return reason;
  }

  void TakeOver() {
    PushAs(RELAY_ROLE_STANDBY);
    for (unsigned attempt = 0; attempt <= limits::kUnansweredRetries; ++attempt)
      Ask(7);
  }

  task::v1::TaskStatus Status() { return world_.desk().table().Find(kMac)->progress.status(); }

  std::string LastStatus() { return world_.events.OfType("task.status").back(); }

  std::uint64_t revision_ = 1;
};

TEST_F(SharedTaskTest, ItsOwnerAnswersAtOnce) {
  PushAs(RELAY_ROLE_OWNER);
  EXPECT_EQ(Ask(7), std::nullopt);
  EXPECT_EQ(Ask(8), std::nullopt);
}

TEST_F(SharedTaskTest, TheStandbyAnswersWhatWasLeftUnansweredTwice) {
  PushAs(RELAY_ROLE_STANDBY);
  EXPECT_EQ(Ask(7), DropReason::kStandby);
  EXPECT_EQ(Ask(7), DropReason::kStandby);
  EXPECT_EQ(world_.desk().Admit(kMac), DropReason::kStandby) << "TFTP";
  EXPECT_EQ(Ask(7), std::nullopt);
  EXPECT_EQ(Ask(7, DhcpPort::kBootServer), std::nullopt);
  EXPECT_EQ(world_.desk().Admit(kMac), std::nullopt) << "TFTP";
  EXPECT_EQ(Ask(8), std::nullopt) << "its iPXE";
  EXPECT_EQ(world_.Sample("tentacle_pxe_takeovers_total"), "1");
  EXPECT_THAT(world_.events.Of("task.timeline").back(), HasSubstr("takeover: "));
}

TEST_F(SharedTaskTest, OneWhoBootsAgainAndAgainIsAnsweredBySomebody) {
  PushAs(RELAY_ROLE_STANDBY);
  for (std::uint32_t transaction = 1; transaction < 20; ++transaction)
    EXPECT_EQ(Ask(transaction), DropReason::kStandby);
}

TEST_F(SharedTaskTest, ATransactionOfAnEarlierBootDoesNotCount) {
  PushAs(RELAY_ROLE_STANDBY);
  Ask(7);
  Ask(7);
  world_.clock.now += limits::kSameBoot + absl::Seconds(1);
  EXPECT_EQ(Ask(7), DropReason::kStandby);
}

TEST_F(SharedTaskTest, CopiesOfOneDiscoverAreOneAttempt) {
  PushAs(RELAY_ROLE_STANDBY);
  BootRequest boot;
  boot.mac = kMac;
  boot.transaction = 7;
  for (int copy = 0; copy < 6; ++copy) {
    EXPECT_EQ(world_.desk().Admit(boot, DhcpPort::kDhcp), DropReason::kStandby);
    world_.clock.now += absl::Milliseconds(10);
  }
}

TEST_F(SharedTaskTest, WhatWasTakenOverAndNotBegunIsTheOwnersAgain) {
  TakeOver();
  EXPECT_EQ(world_.desk().Admit(kMac), std::nullopt);
  world_.clock.now += limits::kTakeoverLasts + absl::Seconds(1);
  EXPECT_EQ(world_.desk().Admit(kMac), DropReason::kStandby);
  EXPECT_EQ(Ask(8), DropReason::kStandby);
}

TEST_F(SharedTaskTest, AnIdleStandbysLoaderMovesNothing) {
  PushAs(RELAY_ROLE_STANDBY);
  world_.desk().LoaderAskedFor(kMac, "ipxe.efi");
  world_.Settle();
  EXPECT_EQ(Status(), TASK_STATUS_WAITING);
}

TEST_F(SharedTaskTest, TheBootServersPortTakesNothingOver) {
  PushAs(RELAY_ROLE_STANDBY);
  for (int attempt = 0; attempt < 9; ++attempt)
    EXPECT_EQ(Ask(7, DhcpPort::kBootServer), DropReason::kStandby);
}

TEST_F(SharedTaskTest, WhoTookOverSaysSoWithItsFirstStatus) {
  TakeOver();
  world_.desk().LoaderSent(kMac, "ipxe.efi", absl::Seconds(1));
  world_.Settle();
  EXPECT_THAT(LastStatus(), HasSubstr(R"("status":"booting")"));
  EXPECT_THAT(LastStatus(), HasSubstr(R"("tookOver":true)"));
}

TEST_F(SharedTaskTest, TheOwnerHasNothingToSayOfIt) {
  PushAs(RELAY_ROLE_OWNER);
  world_.desk().LoaderSent(kMac, "ipxe.efi", absl::Seconds(1));
  world_.Settle();
  EXPECT_THAT(LastStatus(), HasSubstr(R"("status":"booting")"));
  EXPECT_THAT(LastStatus(), Not(HasSubstr("tookOver")));
}

TEST_F(SharedTaskTest, AMachineWaitsUntilTheTaskIsOursAlone) {
  const std::string token = ScriptToken();  // Of before it was shared.
  PushAs(RELAY_ROLE_OWNER);
  EXPECT_THAT(GetScript().body, HasSubstr(kWaits));
  EXPECT_EQ(Status(), TASK_STATUS_BOOTING) << "so that the backend learns of it";
  EXPECT_EQ(BootHttpTest::Ask(OrdersRequest(token)).status, 503u);
  PushAs(RELAY_ROLE_UNSPECIFIED);
  EXPECT_THAT(GetScript().body, Not(HasSubstr(kWaits)));
  EXPECT_FALSE(Install().empty());
}

TEST_F(SharedTaskTest, WaitingForItsTaskIsNoCircle) {
  PushAs(RELAY_ROLE_OWNER);
  for (unsigned at = 0; at < 2 * limits::kMaxBootsInWindow; ++at)
    EXPECT_THAT(GetScript().body, HasSubstr(kWaits));
  PushAs(RELAY_ROLE_UNSPECIFIED);
  EXPECT_FALSE(Install().empty());
}

// It may be one that the other tentacle has installed, while our line was broken.
TEST_F(SharedTaskTest, AMachineDoesNotWaitForEver) {
  PushAs(RELAY_ROLE_OWNER);
  const absl::Time began = world_.clock.now;
  while (world_.clock.now - began <= limits::kSharedPatience) {
    EXPECT_THAT(GetScript().body, HasSubstr(kWaits));
    world_.clock.now += absl::Seconds(20);
  }
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
  EXPECT_THAT(GetScript().body, HasSubstr(kWaits)) << "its next boot begins anew";
}

TEST_F(SharedTaskTest, TheBackendIsToldAgainThatAMachineWaits) {
  PushAs(RELAY_ROLE_OWNER);
  GetScript();
  const auto told = world_.events.OfType("task.status").size();
  world_.clock.now += absl::Seconds(20);
  GetScript();
  EXPECT_EQ(world_.events.OfType("task.status").size(), told);
  world_.clock.now += absl::Seconds(50);
  GetScript();
  EXPECT_EQ(world_.events.OfType("task.status").size(), told + 1);
  EXPECT_THAT(LastStatus(), HasSubstr(R"("status":"booting")"));
}

TEST_F(SharedTaskTest, AnAnswerFileWaitsToo) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  task::v1::BootTask task = world_.desk().table().Find(kMac)->task;
  task.set_relay(RELAY_ROLE_OWNER);
  Push(100, {task});
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 503u);
  task.set_relay(RELAY_ROLE_UNSPECIFIED);
  Push(101, {task});
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 200u);
}

TEST_F(SharedTaskTest, WhatTheStandbyHasTakenIsForgottenWithItsRole) {
  TakeOver();
  PushAs(RELAY_ROLE_UNSPECIFIED);
  PushAs(RELAY_ROLE_STANDBY);
  EXPECT_EQ(Ask(9), DropReason::kStandby);
}

TEST_F(SharedTaskTest, AStandbyJudgesNoDeadline) {
  task::v1::BootTask task = testing::Task("t1");
  task.set_relay(RELAY_ROLE_STANDBY);
  task.mutable_deadline()->set_seconds(absl::ToUnixSeconds(world_.clock.now) - 60);
  Push(2, {task});
  world_.desk().LearnTime(world_.clock.now);
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(Status(), TASK_STATUS_WAITING);
  task.set_relay(RELAY_ROLE_OWNER);
  Push(3, {task});
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_FAILED);
}

}  // namespace
}  // namespace tentacle::pxe
