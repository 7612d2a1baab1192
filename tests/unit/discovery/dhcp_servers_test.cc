#include "services/discovery/core/dhcp_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
constexpr std::uint32_t kOwn = 0x0a000001;
constexpr std::uint32_t kOther = 0x0a000042;

wire::MacAddress Mac(std::uint8_t last) {
  return {{0x00, 0x0c, 0x29, 0, 0, last}};
}

DhcpSighting Offer(std::uint32_t server, std::uint8_t mac) {
  DhcpSighting sighting;
  sighting.server = server;
  sighting.server_mac = Mac(mac);
  sighting.interface = "eth0";
  sighting.address = 0x0a000050;
  sighting.offer = true;
  return sighting;
}

TEST(DhcpServers, TheFirstServerIsTheSegmentsOwn) {
  DhcpServers servers;
  EXPECT_FALSE(servers.Observe(Offer(kOwn, 1), {}, kNoon).has_value());
  ASSERT_THAT(servers.servers(), SizeIs(1));
  EXPECT_EQ(servers.servers()[0].verdict, ServerVerdict::kLearned);
  EXPECT_EQ(servers.servers()[0].offers, 1u);
}

TEST(DhcpServers, ASecondOneWithinTheHourIsItsPartner) {
  DhcpServers servers;
  servers.Observe(Offer(kOwn, 1), {}, kNoon);
  EXPECT_FALSE(servers.Observe(Offer(kOther, 2), {}, kNoon + absl::Minutes(30)).has_value());
}

TEST(DhcpServers, OneThatComesLaterIsARogueOnceAnHour) {
  DhcpServers servers;
  servers.Observe(Offer(kOwn, 1), {}, kNoon);
  const absl::Time later = kNoon + absl::Hours(48);
  const auto alert = servers.Observe(Offer(kOther, 2), {}, later);
  ASSERT_TRUE(alert.has_value());
  EXPECT_THAT(alert->reasons, ElementsAre("not_learned"));
  EXPECT_EQ(alert->server.address, kOther);
  EXPECT_EQ(alert->server.mac, Mac(2));
  EXPECT_EQ(alert->server.verdict, ServerVerdict::kRogue);
  EXPECT_FALSE(servers.Observe(Offer(kOther, 2), {}, later + absl::Minutes(59)).has_value());
  EXPECT_TRUE(servers.Observe(Offer(kOther, 2), {}, later + absl::Minutes(61)).has_value());
}

TEST(DhcpServers, WhoOffersToBootIsARogueAlsoWhenItIsTheFirst) {
  DhcpServers servers;
  DhcpSighting offer = Offer(kOther, 2);
  offer.boot_file = "pxelinux.0";
  const auto alert = servers.Observe(offer, {}, kNoon);
  ASSERT_TRUE(alert.has_value());
  EXPECT_THAT(alert->reasons, ElementsAre("offers_boot"));
}

TEST(DhcpServers, ANextServerThatIsTheServerItselfIsNoBootOffer) {
  DhcpServers servers;
  DhcpSighting offer = Offer(kOwn, 1);
  offer.next_server = kOwn;
  EXPECT_FALSE(servers.Observe(offer, {}, kNoon).has_value());
  offer.next_server = kOther;
  EXPECT_TRUE(servers.Observe(offer, {}, kNoon).has_value());
}

TEST(DhcpServers, WhatIsListedIsTrustedAndNothingElse) {
  DhcpServers servers;
  DhcpSighting boots = Offer(kOwn, 1);
  boots.boot_file = "wdsnbp.com";
  EXPECT_FALSE(servers.Observe(boots, {kOwn}, kNoon).has_value());
  EXPECT_EQ(servers.servers()[0].verdict, ServerVerdict::kListed);
  const auto alert = servers.Observe(Offer(kOther, 2), {kOwn}, kNoon);
  ASSERT_TRUE(alert.has_value());
  EXPECT_THAT(alert->reasons, ElementsAre("not_listed"));
}

TEST(DhcpServers, AServerThatSpeaksFromAnotherCardIsToldAlsoWhenItIsListed) {
  DhcpServers servers;
  servers.Observe(Offer(kOwn, 1), {kOwn}, kNoon);
  const auto alert = servers.Observe(Offer(kOwn, 9), {kOwn}, kNoon + absl::Minutes(1));
  ASSERT_TRUE(alert.has_value());
  EXPECT_THAT(alert->reasons, ElementsAre("other_mac"));
  EXPECT_EQ(alert->sighting.server_mac, Mac(9));
}

TEST(DhcpServers, AnAddressOfAnotherNetworkIsTold) {
  DhcpServers servers;
  DhcpSighting offer = Offer(kOwn, 1);
  offer.in_segment = false;
  ASSERT_TRUE(servers.Observe(offer, {}, kNoon).has_value());
}

TEST(DhcpServers, AFloodOfServersIsBoundedAndKeepsWhatWasLearned) {
  DhcpServers servers;
  servers.Observe(Offer(kOwn, 1), {}, kNoon);
  const absl::Time later = kNoon + absl::Hours(48);
  std::size_t alerts = 0;
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    if (servers.Observe(Offer(0x0b000000 + n, 2), {}, later + absl::Milliseconds(n))) ++alerts;
  }
  EXPECT_EQ(alerts, limits::kMaxRogueAlertsPerHour);
  EXPECT_THAT(servers.servers(), SizeIs(limits::kMaxDhcpServers));
  EXPECT_EQ(servers.servers()[0].address, kOwn);
  const auto next = servers.Observe(Offer(0x0c000000, 3), {}, later + absl::Hours(2));
  ASSERT_TRUE(next.has_value());
  EXPECT_GT(next->suppressed, 9000u);
}

TEST(DhcpServers, AFloodWithinTheHourOfLearningDoesNotReplaceTheSegmentsOwn) {
  DhcpServers servers;
  servers.Observe(Offer(kOwn, 1), {}, kNoon);
  std::size_t alerts = 0;
  for (std::uint32_t n = 0; n < 1000; ++n) {
    if (servers.Observe(Offer(0x0b000000 + n, 2), {}, kNoon + absl::Milliseconds(n))) ++alerts;
  }
  EXPECT_EQ(alerts, limits::kMaxRogueAlertsPerHour);
  EXPECT_THAT(servers.servers(), SizeIs(limits::kMaxDhcpServers));
  EXPECT_EQ(servers.servers()[0].address, kOwn);
  EXPECT_EQ(servers.servers()[0].verdict, ServerVerdict::kLearned);
}

TEST(DhcpServers, WhatWasStoredIsStillKnown) {
  DhcpServers before;
  before.Observe(Offer(kOwn, 1), {}, kNoon);
  DhcpServers after;
  after.Restore(before.servers());
  EXPECT_FALSE(after.Observe(Offer(kOwn, 1), {}, kNoon + absl::Hours(100)).has_value());
  EXPECT_TRUE(after.Observe(Offer(kOther, 2), {}, kNoon + absl::Hours(100)).has_value());
}

}  // namespace
}  // namespace tentacle::discovery
