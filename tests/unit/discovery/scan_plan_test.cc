#include "services/discovery/core/scan_plan.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint32_t Ip(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

struct Sent {
  absl::Duration at;
  std::string interface;
  std::uint32_t sender;
  std::uint32_t target;
};

// Runs the plan to its end in virtual time; `answer` is told each target and says whether it
// speaks.
template <class Answer>
std::vector<Sent> RunToEnd(ScanPlan& plan, Answer answer) {
  std::vector<Sent> sent;
  absl::Duration now;
  for (;;) {
    const auto step = plan.Next(now);
    if (std::holds_alternative<Finished>(step)) return sent;
    if (const auto* wait = std::get_if<WaitUntil>(&step)) {
      EXPECT_GT(wait->elapsed, now) << "a wait that does not advance is a busy loop";
      now = wait->elapsed;
      continue;
    }
    const auto& probe = std::get<Probe>(step);
    sent.push_back({now, std::string(probe.interface), probe.sender, probe.target});
    if (answer(probe.target)) plan.OnAnswer(probe.interface, probe.target);
  }
}

std::vector<Sent> RunSilent(ScanPlan& plan) {
  return RunToEnd(plan, [](std::uint32_t) { return false; });
}

std::vector<std::uint32_t> Targets(const std::vector<Sent>& sent) {
  std::vector<std::uint32_t> targets;
  for (const Sent& one : sent)
    targets.push_back(one.target);
  return targets;
}

ScanSettings OnePass() {
  ScanSettings settings;
  settings.passes = 1;
  return settings;
}

const Subnet kOffice{"eth0", Ip(10, 1, 2, 5), 24};

TEST(ScanPlan, AsksEveryHostOfTheSubnetButItself) {
  ScanPlan plan({{"eth0", Ip(192, 168, 0, 2), 29}}, OnePass());
  EXPECT_THAT(Targets(RunSilent(plan)),
              ElementsAre(Ip(192, 168, 0, 1), Ip(192, 168, 0, 3), Ip(192, 168, 0, 4),
                          Ip(192, 168, 0, 5), Ip(192, 168, 0, 6)));
}

TEST(ScanPlan, AsksFromTheAddressOfEachInterface) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 30}, {"eth1", Ip(10, 0, 1, 2), 30}}, OnePass());
  const auto sent = RunSilent(plan);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].interface, "eth0");
  EXPECT_EQ(sent[0].sender, Ip(10, 0, 0, 1));
  EXPECT_EQ(sent[0].target, Ip(10, 0, 0, 2));
  EXPECT_EQ(sent[1].interface, "eth1");
  EXPECT_EQ(sent[1].sender, Ip(10, 0, 1, 2));
  EXPECT_EQ(sent[1].target, Ip(10, 0, 1, 1));
}

TEST(ScanPlan, BothEndsOfAPointToPointNetworkAreHosts) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 0), 31}}, OnePass());
  EXPECT_THAT(Targets(RunSilent(plan)), ElementsAre(Ip(10, 0, 0, 1)));
}

TEST(ScanPlan, SecondPassAsksOnlyTheSilent) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 29}}, ScanSettings());
  std::map<std::uint32_t, int> asked;
  RunToEnd(plan, [&](std::uint32_t target) {
    ++asked[target];
    return target == Ip(10, 0, 0, 2) || target == Ip(10, 0, 0, 5);
  });
  const std::map<std::uint32_t, int> expected = {{Ip(10, 0, 0, 2), 1},
                                                 {Ip(10, 0, 0, 3), 2},
                                                 {Ip(10, 0, 0, 4), 2},
                                                 {Ip(10, 0, 0, 5), 1},
                                                 {Ip(10, 0, 0, 6), 2}};
  EXPECT_EQ(asked, expected);
  EXPECT_EQ(plan.asked(), 5u);
}

TEST(ScanPlan, EndsAtOnceWhenEverybodyHasAnswered) {
  ScanPlan plan({kOffice}, ScanSettings());
  const auto sent = RunToEnd(plan, [](std::uint32_t) { return true; });
  EXPECT_THAT(sent, SizeIs(253));
  EXPECT_TRUE(std::holds_alternative<Finished>(plan.Next(sent.back().at)));
}

TEST(ScanPlan, WaitsForTheLastAnswerBeforeItAsksAgain) {
  ScanSettings settings;
  settings.reply_wait = absl::Seconds(3);
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 30}}, settings);
  const auto sent = RunSilent(plan);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[1].at - sent[0].at, absl::Seconds(3));
}

// The end of a sweep of five silent hosts at this pace.
absl::Duration EndOf(std::uint32_t probes_per_second) {
  ScanSettings settings;
  settings.probes_per_second = probes_per_second;
  settings.reply_wait = absl::Milliseconds(500);
  settings.pass_wait = absl::Milliseconds(50);
  settings.repeat_wait = absl::Milliseconds(200);
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 29}}, settings);
  absl::Duration now;
  for (;;) {
    const auto step = plan.Next(now);
    if (std::holds_alternative<Finished>(step)) return now;
    if (const auto* wait = std::get_if<WaitUntil>(&step)) now = wait->elapsed;
  }
}

TEST(ScanPlan, ReplyWaitIsFromTheFirstQuestionAndALittleFromTheLast) {
  EXPECT_EQ(EndOf(1000), absl::Milliseconds(4 + 500));
  // The second pass is from 450 ms to 850 ms.
  EXPECT_EQ(EndOf(10), absl::Milliseconds(850 + 200));
}

TEST(ScanPlan, KeepsThePace) {
  ScanSettings settings = OnePass();
  settings.probes_per_second = 100;
  ScanPlan plan({kOffice}, settings);
  const auto sent = RunSilent(plan);
  ASSERT_THAT(sent, SizeIs(253));
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].at, absl::Milliseconds(10) * i);
  }
}

TEST(ScanPlan, AStallIsMadeGoodInPartOnly) {
  ScanSettings settings = OnePass();
  settings.probes_per_second = 100;
  ScanPlan plan({kOffice}, settings);
  ASSERT_TRUE(std::holds_alternative<Probe>(plan.Next(absl::ZeroDuration())));
  // The process was held up for a minute: 6000 probes would be due.
  int burst = 0;
  while (std::holds_alternative<Probe>(plan.Next(absl::Minutes(1))))
    ++burst;
  EXPECT_GE(burst, 2);
  EXPECT_LE(burst, limits::kMaxCatchUpProbes + 2);
}

TEST(ScanPlan, ARateOfZeroIsTheSlowestNotAStandstill) {
  ScanSettings settings = OnePass();
  settings.probes_per_second = 0;
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 29}}, settings);
  EXPECT_THAT(RunSilent(plan), SizeIs(5));
}

TEST(ScanPlan, LargestSubnetIsSweptWhole) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 20}}, OnePass());
  EXPECT_EQ(plan.targets(), 4093u);
  EXPECT_THAT(plan.skipped(), IsEmpty());
}

TEST(ScanPlan, TooLargeASubnetIsLeftOutWithItsReason) {
  ScanPlan plan({{"docker0", Ip(172, 17, 0, 1), 16}, kOffice}, OnePass());
  EXPECT_EQ(plan.targets(), 253u);
  ASSERT_THAT(plan.skipped(), SizeIs(1));
  EXPECT_EQ(plan.skipped()[0].subnet.interface, "docker0");
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kTooLarge);
}

TEST(ScanPlan, TheWholeInternetIsTooLarge) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 0}}, OnePass());
  EXPECT_EQ(plan.targets(), 0u);
  ASSERT_THAT(plan.skipped(), SizeIs(1));
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kTooLarge);
}

TEST(ScanPlan, SubnetsTogetherStayBelowTheLimit) {
  std::vector<Subnet> subnets;
  for (std::uint32_t i = 0; i < 5; ++i)
    subnets.push_back({"eth0", Ip(10, i, 0, 1), 22});
  ScanPlan plan(subnets, OnePass());
  EXPECT_LE(plan.targets(), limits::kMaxScanTargets);
  EXPECT_EQ(plan.targets(), 4u * 1021);
  ASSERT_THAT(plan.skipped(), SizeIs(1));
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kBudgetSpent);
}

TEST(ScanPlan, AHostRouteHasNoNeighbours) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 32}}, OnePass());
  EXPECT_TRUE(std::holds_alternative<Finished>(plan.Next(absl::ZeroDuration())));
  ASSERT_THAT(plan.skipped(), SizeIs(1));
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kNoNeighbours);
}

TEST(ScanPlan, TwoOwnAddressesInOneSubnetAreOneSweepWithoutBoth) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 29}, {"eth0", Ip(10, 0, 0, 2), 29}}, OnePass());
  const auto targets = Targets(RunSilent(plan));
  EXPECT_THAT(targets, SizeIs(4));
  EXPECT_THAT(targets, Not(Contains(Ip(10, 0, 0, 2))));
  ASSERT_THAT(plan.skipped(), SizeIs(1));
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kCovered);
}

TEST(ScanPlan, AnAnswerOnAnotherInterfaceDoesNotCount) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 30}, {"eth1", Ip(10, 0, 0, 1), 30}}, OnePass());
  plan.OnAnswer("eth1", Ip(10, 0, 0, 2));
  const auto sent = RunSilent(plan);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].interface, "eth0");
}

TEST(ScanPlan, AnswersThatNobodyAskedForChangeNothing) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 30}}, OnePass());
  plan.OnAnswer("eth0", Ip(10, 0, 0, 1));  // Ourselves.
  plan.OnAnswer("eth0", Ip(10, 0, 0, 3));  // The broadcast address.
  plan.OnAnswer("eth0", Ip(192, 168, 0, 1));
  plan.OnAnswer("wlan0", Ip(10, 0, 0, 2));
  EXPECT_THAT(Targets(RunSilent(plan)), ElementsAre(Ip(10, 0, 0, 2)));
}

TEST(ScanPlan, TheSameAnswerTwiceCountsOnce) {
  ScanPlan plan({{"eth0", Ip(10, 0, 0, 1), 29}}, OnePass());
  for (int i = 0; i < 10; ++i)
    plan.OnAnswer("eth0", Ip(10, 0, 0, 2));
  EXPECT_THAT(Targets(RunSilent(plan)), SizeIs(4));
}

TEST(ScanPlan, WithoutSubnetsThereIsNothingToDo) {
  ScanPlan plan({}, ScanSettings());
  EXPECT_TRUE(std::holds_alternative<Finished>(plan.Next(absl::ZeroDuration())));
}

TEST(ScanPlan, NamesANetworkByItsFirstAddress) {
  EXPECT_EQ(NetworkName(kOffice), "10.1.2.0/24");
  EXPECT_EQ(NetworkName({"eth0", Ip(172, 17, 5, 9), 16}), "172.17.0.0/16");
}

}  // namespace
}  // namespace tentacle::discovery
