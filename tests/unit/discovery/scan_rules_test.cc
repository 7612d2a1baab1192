// What the owner of the box allows a sweep, and how often the silent are asked.
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "services/discovery/core/scan_plan.h"

namespace tentacle::discovery {
namespace {

const Subnet kSubnet{"eth0", 0x0a000001, 24};

// Asks everybody in virtual time; `answers` says whether an address speaks this time. What was
// asked comes back.
template <class Answers>
std::multiset<std::uint32_t> RunSweep(ScanPlan& plan, Answers answers) {
  std::multiset<std::uint32_t> asked;
  absl::Duration now;
  for (;;) {
    const auto step = plan.Next(now);
    if (std::holds_alternative<Finished>(step)) return asked;
    if (const auto* wait = std::get_if<WaitUntil>(&step)) {
      now = wait->elapsed;
      continue;
    }
    const auto& probe = std::get<Probe>(step);
    asked.insert(probe.target);
    if (answers(probe.target)) plan.OnAnswer(probe.interface, probe.target);
  }
}

bool Silent(std::uint32_t) {
  return false;
}

ScanSettings Fast() {
  ScanSettings settings;
  settings.probes_per_second = 10'000;
  settings.max_passes = 10;
  return settings;
}

TEST(ScanRules, WhoIsExcludedIsNeverAsked) {
  ScanSettings settings = Fast();
  settings.rules.exclude = {{"", 0x0a000005, 32}, {"", 0x0a000040, 26}};
  ScanPlan plan({kSubnet}, settings);
  const auto asked = RunSweep(plan, Silent);
  EXPECT_FALSE(asked.contains(0x0a000005));
  EXPECT_FALSE(asked.contains(0x0a000041));
  EXPECT_TRUE(asked.contains(0x0a000006));
  EXPECT_EQ(plan.targets(), 253u - 1 - 64);
}

TEST(ScanRules, OnlyConfiguredNetworksAreAsked) {
  ScanSettings settings = Fast();
  settings.rules.networks = {{"", 0x0a000000, 28}};
  ScanPlan plan({kSubnet, {"eth1", 0x0b000001, 24}}, settings);
  EXPECT_EQ(plan.targets(), 14u);  // Of .1 to .15 without our own.
  ASSERT_EQ(plan.skipped().size(), 1u);
  EXPECT_EQ(plan.skipped()[0].reason, SkipReason::kNotConfigured);
}

TEST(ScanRules, ALargeNetworkNeedsTheOwnersWord) {
  const Subnet large{"eth0", 0x0a000001, 16};
  ScanPlan refused({large}, Fast());
  ASSERT_EQ(refused.skipped().size(), 1u);
  EXPECT_EQ(refused.skipped()[0].reason, SkipReason::kTooLarge);
  ScanSettings settings = Fast();
  settings.rules.allow_large = true;
  ScanPlan allowed({large}, settings);
  EXPECT_EQ(allowed.targets(), 65'533u);
  ScanPlan larger({{"eth0", 0x0a000001, 8}}, settings);
  EXPECT_EQ(larger.targets(), 0u);
}

TEST(ScanRules, WithoutAnAddressTheQuestionComesFromNobody) {
  ScanPlan plan({{"eth0.20", 0x0a140000, 28, false}}, Fast());
  const auto step = plan.Next(absl::ZeroDuration());
  ASSERT_TRUE(std::holds_alternative<Probe>(step));
  EXPECT_EQ(std::get<Probe>(step).sender, 0u);
  EXPECT_EQ(std::get<Probe>(step).target, 0x0a140001u);
}

TEST(ScanRules, WhereNothingIsLostTheSilentAreAskedTwice) {
  ScanPlan plan({kSubnet}, Fast());
  const auto asked = RunSweep(plan, [](std::uint32_t address) { return address % 8 == 0; });
  EXPECT_EQ(asked.count(0x0a000008), 1u);
  EXPECT_EQ(asked.count(0x0a000009), 2u);
}

TEST(ScanRules, WhereMuchIsLostEverybodyIsFoundAllTheSame) {
  // A tenth of the questions and a tenth of the answers are lost; 30 hosts; a hundred sweeps.
  std::mt19937 random(20'240'101);  // NOLINT(cert-msc51-cpp): the same in every run.
  std::bernoulli_distribution arrives(0.9 * 0.9);
  int missed = 0;
  for (int sweep = 0; sweep < 100; ++sweep) {
    ScanPlan plan({kSubnet}, Fast());
    std::set<std::uint32_t> found;
    RunSweep(plan, [&](std::uint32_t address) {
      const bool hears = address % 8 == 0 && arrives(random);
      if (hears) found.insert(address);
      return hears;
    });
    missed += 31 - static_cast<int>(found.size());
  }
  EXPECT_LE(missed, 5) << "of 3100; two passes alone miss 112";
}

TEST(ScanRules, OneLostQuestionCostsOneMorePassHoweverFewLiveThere) {
  for (const std::uint32_t hosts : {1u, 2u, 5u, 30u}) {
    ScanPlan plan({kSubnet}, Fast());
    int asked_last = 0;
    RunSweep(plan, [&](std::uint32_t address) {
      const bool is_host = address > 0x0a000001 && address <= 0x0a000001 + hosts;
      if (address != 0x0a000001 + hosts) return is_host;
      return ++asked_last > 1;
    });
    EXPECT_EQ(plan.pass(), 3u) << hosts << " hosts";
  }
}

TEST(ScanRules, FewHostsOfWhomNoneIsLateAreAskedTwice) {
  for (const std::uint32_t hosts : {1u, 2u, 5u, 10u, 30u, 250u}) {
    ScanPlan plan({kSubnet}, Fast());
    RunSweep(plan, [&](std::uint32_t address) { return address <= 0x0a000001 + hosts; });
    EXPECT_EQ(plan.pass(), 2u) << hosts << " hosts";
  }
}

TEST(ScanRules, WhoAnswersSlowlyHasLostNothing) {
  // Each host answers when a hundred others have been asked, the last ones in the second pass.
  ScanPlan plan({kSubnet}, Fast());
  std::vector<std::uint32_t> asked;
  RunSweep(plan, [&](std::uint32_t address) {
    asked.push_back(address);
    if (asked.size() > 100) {
      const std::uint32_t earlier = asked[asked.size() - 101];
      if (earlier % 8 == 0) plan.OnAnswer("eth0", earlier);
    }
    return false;
  });
  EXPECT_EQ(plan.pass(), 2u);
}

}  // namespace
}  // namespace tentacle::discovery
