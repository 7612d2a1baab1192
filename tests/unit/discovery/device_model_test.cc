// What a device is made of: several names, addresses and cards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/discovery/core/device_table.h"
#include "services/discovery/core/flood_guard.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

using ::testing::SizeIs;

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
const wire::MacAddress kCard{{0x00, 0x0c, 0x29, 0, 0, 1}};
const wire::MacAddress kDock{{0x00, 0x0c, 0x29, 0, 0, 2}};
const wire::MacAddress kRandom{{0x02, 0, 0, 0, 0, 1}};
const wire::MacAddress kRandomToo{{0x06, 0, 0, 0, 0, 2}};

Observation Heard(const wire::MacAddress& mac, std::uint32_t address = 0x0a000009) {
  return {mac, address, "eth0"};
}

Observation Named(const wire::MacAddress& mac, Source source, const std::string& name) {
  Observation observation = Heard(mac);
  observation.source = source;
  observation.name = name;
  if (source == Source::kDhcp) observation.fingerprint = "1,3,6";
  return observation;
}

TEST(DeviceModel, TheNameOfTheBetterSourceCounts) {
  DeviceTable table(10);
  table.Observe(Named(kCard, Source::kNetbios, "LAPTOP-WITH-A-L"), kNoon);
  EXPECT_EQ(table.Find(kCard)->hostname, "LAPTOP-WITH-A-L");
  const Change change =
      table.Observe(Named(kCard, Source::kDhcp, "laptop-with-a-long-name"), kNoon);
  EXPECT_EQ(change.kind, ChangeKind::kLearned);
  EXPECT_EQ(change.device.hostname, "laptop-with-a-long-name");
  table.Observe(Named(kCard, Source::kNetbios, "OTHER"), kNoon);
  EXPECT_EQ(table.Find(kCard)->hostname, "laptop-with-a-long-name");
  EXPECT_THAT(table.Find(kCard)->names, SizeIs(2));
}

TEST(DeviceModel, AnOldNameYieldsToAFreshOne) {
  DeviceTable table(10);
  table.Observe(Named(kCard, Source::kDhcp, "before"), kNoon);
  table.Observe(Named(kCard, Source::kMdns, "after"), kNoon + absl::Hours(24 * 40));
  EXPECT_EQ(table.Find(kCard)->hostname, "after");
}

TEST(DeviceModel, AddressesAreKeptTheLatestFirst) {
  DeviceTable table(10);
  for (std::uint32_t n = 1; n <= 20; ++n)
    table.Observe(Heard(kCard, n), kNoon + absl::Seconds(n));
  table.Observe(Heard(kCard, 15), kNoon + absl::Seconds(30));
  const Device& device = *table.Find(kCard);
  ASSERT_THAT(device.addresses, SizeIs(limits::kMaxAddressesPerDevice));
  EXPECT_EQ(device.address, 15u);
  EXPECT_EQ(device.addresses[0].first_seen, kNoon + absl::Seconds(15));
  EXPECT_EQ(device.addresses[0].last_seen, kNoon + absl::Seconds(30));
}

TEST(DeviceModel, WhoHasNoAddressYetIsADevice) {
  DeviceTable table(10);
  EXPECT_EQ(table.Observe(Heard(kCard, 0), kNoon).kind, ChangeKind::kAppeared);
  // The first one is no move.
  EXPECT_NE(table.Observe(Heard(kCard, 9), kNoon).kind, ChangeKind::kMoved);
}

TEST(DeviceModel, CardsWithOneClientIdAreOneDevice) {
  DeviceTable table(10);
  Observation card = Named(kCard, Source::kDhcp, "laptop");
  card.client_id = "ff00112233";
  Observation dock = Named(kDock, Source::kDhcp, "laptop");
  dock.client_id = card.client_id;
  table.Observe(card, kNoon);
  table.Observe(dock, kNoon);
  EXPECT_EQ(table.Find(kDock)->folded_into, kCard);
  EXPECT_EQ(table.Find(kCard)->folded_into, wire::MacAddress{});
}

TEST(DeviceModel, AMadeUpAddressIsFoldedIntoTheOneBefore) {
  DeviceTable table(10);
  table.Observe(Named(kRandom, Source::kDhcp, "phone"), kNoon);
  table.Observe(Named(kRandomToo, Source::kDhcp, "phone"), kNoon + absl::Hours(20));
  EXPECT_EQ(table.Find(kRandomToo)->folded_into, kRandom);
}

TEST(DeviceModel, TwoPhonesOfOneNameThatSpeakAtOnceAreTwo) {
  DeviceTable table(10);
  table.Observe(Named(kRandom, Source::kDhcp, "iPhone"), kNoon);
  table.Observe(Named(kRandomToo, Source::kDhcp, "iPhone"), kNoon + absl::Seconds(10));
  EXPECT_EQ(table.Find(kRandomToo)->folded_into, wire::MacAddress{});
}

TEST(DeviceModel, TwoCardsThatWereMadeAreNotFoldedForTheirName) {
  DeviceTable table(10);
  table.Observe(Named(kCard, Source::kDhcp, "pc"), kNoon);
  table.Observe(Named(kDock, Source::kDhcp, "pc"), kNoon + absl::Hours(20));
  EXPECT_EQ(table.Find(kDock)->folded_into, wire::MacAddress{});
}

TEST(DeviceModel, WhoStoodForOthersDoesSoAfterARestart) {
  DeviceTable before(10);
  Observation card = Named(kDock, Source::kDhcp, "laptop");  // Later in order, first in time.
  card.client_id = "ff00112233";
  Observation other = card;
  other.mac = kCard;
  before.Observe(card, kNoon);
  before.Observe(other, kNoon);
  ASSERT_EQ(before.Find(kCard)->folded_into, kDock);
  DeviceTable after(10);
  after.Restore(before.TakeUnsaved().changed);
  after.Observe(card, kNoon + absl::Hours(1));
  after.Observe(other, kNoon + absl::Hours(1));
  EXPECT_EQ(after.Find(kCard)->folded_into, kDock);
  EXPECT_EQ(after.Find(kDock)->folded_into, wire::MacAddress{});
}

TEST(DeviceModel, SuspectsMakeRoomFirst) {
  DeviceTable table(3);
  table.Observe(Heard(kCard), kNoon);
  table.Observe(Heard(kRandom), kNoon, true);
  table.Observe(Heard(kRandomToo), kNoon, true);
  EXPECT_EQ(table.Observe(Heard(kDock), kNoon).forgotten, kRandom);
  EXPECT_NE(table.Find(kCard), nullptr);
}

TEST(DeviceModel, AFloodOfMadeUpCardsIsSeenAndEnds) {
  FloodGuard guard;
  std::size_t suspects = 0;
  for (int n = 0; n < 10'000; ++n)
    suspects += guard.OnNewCard(kNoon + absl::Milliseconds(5 * n)) ? 1u : 0u;
  EXPECT_EQ(suspects, 10'000 - limits::kMaxNewCardsPerMinute);
  const auto began = guard.TakeNews(kNoon + absl::Seconds(51));
  ASSERT_TRUE(began.has_value());
  EXPECT_FALSE(began->over);
  EXPECT_FALSE(guard.TakeNews(kNoon + absl::Seconds(52)).has_value());
  const auto ended = guard.TakeNews(kNoon + absl::Minutes(10));
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(ended->over);
  EXPECT_EQ(ended->cards, suspects);
}

TEST(DeviceModel, AMorningIsNoFlood) {
  FloodGuard guard;
  for (int n = 0; n < 1000; ++n)
    EXPECT_FALSE(guard.OnNewCard(kNoon + absl::Milliseconds(600 * n)));
}

TEST(DeviceModel, SuccessOfWakingIsCountedByMethod) {
  DeviceTable table(10);
  table.Observe(Heard(kCard), kNoon);
  table.CountWake(kCard, "udp", true);
  table.CountWake(kCard, "udp", false);
  EXPECT_EQ(table.Find(kCard)->wakes, (std::vector<WakeRecord>{{"udp", 2, 1}}));
  EXPECT_FALSE(table.CountWake(kDock, "udp", true));
}

TEST(DeviceModel, AnOpenPortKeepsItsGreetingUntilThereIsANewOne) {
  const std::vector<OpenPort> before = {{21, "ftp", "220 hello"}, {22, "ssh", "SSH-2.0-x"}};
  const std::vector<OpenPort> expected = {{22, "ssh", "SSH-2.0-x"}, {25, "smtp", ""}};
  EXPECT_EQ(WithGreetings({{22, "ssh", ""}, {25, "smtp", ""}}, before), expected);
}

}  // namespace
}  // namespace tentacle::discovery
