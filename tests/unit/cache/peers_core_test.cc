#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cache/core/peer_choice.h"
#include "services/cache/core/peer_pace.h"
#include "services/cache/core/peer_table.h"

namespace tentacle::cache {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;
const std::vector<std::string> kNodes = {"1", "2", "3", "4", "5"};

std::string Leader(const std::string& sha) {
  return *std::max_element(kNodes.begin(), kNodes.end(), [&](const auto& a, const auto& b) {
    return PeerRank(sha, a) < PeerRank(sha, b);
  });
}

std::vector<PeerHas> Others(const std::string& me, std::uint64_t prefix) {
  std::vector<PeerHas> others;
  for (const std::string& node : kNodes) {
    if (node != me) others.push_back({node, false, true, prefix});
  }
  return others;
}

TEST(PeerChoice, OfThoseWhoPullOneFetchesAndTheOthersReadAlong) {
  for (const std::string sha : {"aa", "bb", "cc"}) {
    for (const std::string& me : kNodes) {
      const auto choice = ChoosePeer(me, sha, Others(me, 0), 0, 100 * kMiB);
      if (me == Leader(sha)) {
        EXPECT_FALSE(choice.has_value());
      } else {
        ASSERT_TRUE(choice.has_value());
        EXPECT_EQ(choice->node_id, Leader(sha));
        EXPECT_EQ(choice->end, 100 * kMiB);
      }
    }
  }
}

// Whoever each of them sees and however far it is: no circle of those who wait for each other.
TEST(PeerChoice, NobodyWaitsForWhoWaitsForHim) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::map<std::string, std::string> waits;
    for (const std::string& me : kNodes) {
      std::vector<PeerHas> seen;
      for (const std::string& node : kNodes) {
        if (node != me &&
            (seed * 2654435761u >> (std::stoi(me) * 5 + std::stoi(node)) % 31 & 1) != 0)
          seen.push_back({node, false, true, 0});
      }
      const auto choice = ChoosePeer(me, "aa", seen, 0, kMiB);
      if (choice) waits[me] = choice->node_id;
    }
    for (const std::string& start : kNodes) {
      std::string at = start;
      for (int steps = 0; waits.contains(at); ++steps) {
        ASSERT_LT(steps, 5) << "a circle at seed " << seed;
        at = waits[at];
      }
    }
  }
}

TEST(PeerChoice, WhoHasItAllIsAskedFirstAndNotAlwaysTheSame) {
  std::set<std::string> asked;
  for (const std::string& me : kNodes) {
    auto others = Others(me, 50 * kMiB);
    for (PeerHas& peer : others)
      peer.cached = peer.node_id == "2" || peer.node_id == "4";
    const auto choice = ChoosePeer(me, "aa", others, 10 * kMiB, 90 * kMiB);
    ASSERT_TRUE(choice.has_value());
    EXPECT_TRUE(choice->node_id == "2" || choice->node_id == "4");
    EXPECT_EQ(choice->end, 90 * kMiB);
    asked.insert(choice->node_id);
  }
  EXPECT_EQ(asked.size(), 2U);
}

TEST(PeerChoice, WhoIsFarBehindIsNotWaitedForAndWhoIsAheadGivesWhatItHas) {
  const std::string leader = Leader("aa");
  const std::string me = leader == "1" ? "2" : "1";
  EXPECT_FALSE(ChoosePeer(me, "aa", {{leader, false, true, 0}}, kFarBehind + 1, kFarBehind + kMiB)
                   .has_value());
  // The leader itself catches up with who is ahead.
  const auto ahead = ChoosePeer(leader, "aa", {{me, false, true, 5 * kMiB}}, kMiB, 90 * kMiB);
  ASSERT_TRUE(ahead.has_value());
  EXPECT_EQ(ahead->node_id, me);
  EXPECT_EQ(ahead->end, 5 * kMiB);
  EXPECT_FALSE(
      ChoosePeer(leader, "aa", {{me, false, true, 5 * kMiB}}, 5 * kMiB, 90 * kMiB).has_value());
  // One that broke off is not waited for.
  EXPECT_FALSE(ChoosePeer(me, "aa", {{leader, false, false, 0}}, 0, kMiB).has_value());
  EXPECT_FALSE(ChoosePeer(me, "aa", {}, 0, kMiB).has_value());
}

TEST(PeerPace, OneThatHasTheBytesIsHeldAgainstTheLineAndOneThatWaitsForThemAgainstLittle) {
  const PeerPace::Instant began{};
  // In each second so many Mbit; when it was found slow, or 0.
  const auto slow_after = [&](double mbit, bool had_them, double line_mbit) {
    PeerPace pace(began);
    for (int second = 1; second <= 100; ++second) {
      const auto bytes = static_cast<std::uint64_t>(mbit * 1e6 / 8);
      if (pace.IsSlow(bytes, had_them, line_mbit, began + std::chrono::seconds(second)))
        return second;
    }
    return 0;
  };
  EXPECT_EQ(slow_after(51, true, 100), 0);
  EXPECT_EQ(slow_after(49, true, 100), 5);
  EXPECT_EQ(slow_after(1.1, false, 100), 0);
  EXPECT_EQ(slow_after(0.9, false, 100), 30);
  EXPECT_EQ(slow_after(0.9, false, 1), 0);
}

TEST(PeerPace, WhatCameQuicklyDoesNotMakeUpForWhatComesSlowly) {
  const PeerPace::Instant began{};
  PeerPace pace(began);
  EXPECT_FALSE(pace.IsSlow(1'000'000'000, true, 100, began + std::chrono::seconds(6)));
  EXPECT_FALSE(pace.IsSlow(1000, true, 100, began + std::chrono::seconds(10)));
  EXPECT_TRUE(pace.IsSlow(1000, true, 100, began + std::chrono::seconds(11)));
}

TEST(PeerAddress, OnlyOneOfANeighbour) {
  for (const char* good : {"10.1.2.3", "192.168.0.1", "203.0.113.9"})
    EXPECT_TRUE(IsPeerAddress(good, false)) << good;
  for (const char* bad :
       {"127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "", "localhost",
        "10.1.2", "10.1.2.3.4", "10.1.2.256", "010.1.2.3", "10.1.2.3 ", "0x7f.0.0.1", "2130706433",
        "::1", "10.1.2.3@evil", "+1.2.3.4", "1.2.3.-4"}) {
    EXPECT_FALSE(IsPeerAddress(bad, false)) << bad;
  }
  EXPECT_TRUE(IsPeerAddress("127.0.0.5", true));
}

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

v1::ReplacePeersRequest Table(bool same_site, const std::string& key = "k") {
  v1::ReplacePeersRequest table;
  table.set_site(same_site ? "berlin" : "");
  for (const char* id : {"7", "8"}) {
    v1::Peer& peer = *table.add_peers();
    peer.set_node_id(id);
    peer.set_public_key(key);
    peer.add_addresses("127.0.0.1");
    peer.add_addresses(std::string("10.0.0.") + id);
    peer.set_port(9081);
    peer.set_same_site(same_site);
  }
  return table;
}

std::vector<std::string> Asked(const PeerTable& table, absl::Time now) {
  std::vector<std::string> ids;
  for (const auto& one : table.ToAsk(now))
    ids.push_back(one.node_id);
  return ids;
}

TEST(PeerTable, AsksWhoHasAnsweredAGreeting) {
  PeerTable table;
  table.Replace(Table(true));
  EXPECT_THAT(Asked(table, kNow), IsEmpty());
  ASSERT_EQ(table.ToGreet(kNow).size(), 2U);
  EXPECT_THAT(table.ToGreet(kNow)[0].addresses(), ElementsAre("10.0.0.7"));  // Never itself.
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(30), kNow);
  EXPECT_THAT(Asked(table, kNow), ElementsAre("7"));
  EXPECT_EQ(table.ToGreet(kNow).size(), 1U);
  table.Greeted("99", "10.0.0.99", absl::Milliseconds(1), kNow);
  EXPECT_THAT(Asked(table, kNow), ElementsAre("7"));
}

TEST(PeerTable, WithoutASiteOnlyAShortRoundTripSpeaksForTheSamePlace) {
  PeerTable table;
  table.Replace(Table(false));
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(30), kNow);
  table.Greeted("8", "10.0.0.8", absl::Milliseconds(2), kNow);
  EXPECT_THAT(Asked(table, kNow), ElementsAre("8"));
  EXPECT_THAT(table.Views(kNow)[0].reason(), HasSubstr("too far away"));
}

TEST(PeerTable, WhoFailsIsLeftAloneForLongerAndLonger) {
  PeerTable table;
  table.Replace(Table(true));
  absl::Time now = kNow;
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < 20; ++i) {
    table.Greeted("7", "10.0.0.7", absl::Milliseconds(1), now);
    table.Failed("7", "slow", now);
    EXPECT_THAT(Asked(table, now), IsEmpty());
    absl::Duration pause = absl::ZeroDuration();
    while (table.ToGreet(now + pause).size() < 2)
      pause += absl::Seconds(1);
    EXPECT_GE(pause, last);
    EXPECT_LE(pause, kMaxPeerPause);
    last = pause;
    now += pause;
  }
  EXPECT_EQ(last, kMaxPeerPause);
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(1), now);
  table.Gave("7", 5, false);  // It broke off.
  table.Failed("7", "slow", now);
  EXPECT_EQ(table.ToGreet(now + kPeerPause).size(), 1U);
  now += kMaxPeerPause;
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(1), now);
  table.Gave("7", 5, true);
  table.Failed("7", "slow", now);
  EXPECT_EQ(table.ToGreet(now + kPeerPause).size(), 2U);
}

TEST(PeerTable, WhoLiedIsNotAskedForADayUnlessItIsAnother) {
  PeerTable table;
  table.Replace(Table(true));
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(1), kNow);
  table.Lied("7", kNow);
  EXPECT_THAT(Asked(table, kNow), IsEmpty());
  table.Replace(Table(true));  // A new connection to the backend forgives nothing.
  table.Greeted("7", "10.0.0.7", absl::Milliseconds(1), kNow + absl::Hours(23));
  EXPECT_THAT(Asked(table, kNow + absl::Hours(23)), IsEmpty());
  EXPECT_EQ(table.ToGreet(kNow + absl::Hours(24)).size(), 1U);
  table.Replace(Table(true, "another key"));
  EXPECT_EQ(table.ToGreet(kNow).size(), 2U);
}

TEST(PeerTable, KnowsTheKeysOfItsOwnOnly) {
  PeerTable table;
  table.Replace(Table(true));
  EXPECT_EQ(table.KeyOf("7"), "k");
  EXPECT_EQ(table.KeyOf("9"), std::nullopt);
  table.Replace({});
  EXPECT_EQ(table.KeyOf("7"), std::nullopt);
}

}  // namespace
}  // namespace tentacle::cache
