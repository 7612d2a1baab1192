#include "services/discovery/core/device_table.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

wire::MacAddress Mac(std::uint32_t n) {
  wire::MacAddress mac;
  mac.octets = {0x02, 0, 0, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  return mac;
}

Observation Heard(std::uint32_t n, std::uint32_t address = 0) {
  return {Mac(n), address == 0 ? 0x0a000000 + n : address, "eth0"};
}

std::vector<wire::MacAddress> Macs(const std::vector<Device>& devices) {
  std::vector<wire::MacAddress> macs;
  for (const Device& device : devices)
    macs.push_back(device.mac);
  return macs;
}

std::vector<Device> Latest(const DeviceTable& table, std::size_t max) {
  std::vector<Device> devices;
  for (const Device* device : table.Latest(max))
    devices.push_back(*device);
  return devices;
}

TEST(DeviceTable, AFirstObservationIsANewDevice) {
  DeviceTable table(10);
  const Change change = table.Observe(Heard(1), kNoon);
  EXPECT_EQ(change.kind, ChangeKind::kAppeared);
  EXPECT_EQ(change.device.mac, Mac(1));
  EXPECT_EQ(change.device.address, 0x0a000001u);
  EXPECT_EQ(change.device.interface, "eth0");
  EXPECT_EQ(change.device.first_seen, kNoon);
  EXPECT_EQ(change.device.last_seen, kNoon);
  EXPECT_EQ(change.forgotten, std::nullopt);
}

TEST(DeviceTable, SeenAgainKeepsTheFirstTime) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  const Change change = table.Observe(Heard(1), kNoon + absl::Hours(1));
  EXPECT_EQ(change.kind, ChangeKind::kSeenAgain);
  EXPECT_EQ(change.device.first_seen, kNoon);
  EXPECT_EQ(change.device.last_seen, kNoon + absl::Hours(1));
  EXPECT_EQ(table.size(), 1u);
}

TEST(DeviceTable, AnotherAddressIsAMoveNotAnotherDevice) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  const Change change = table.Observe(Heard(1, 0x0a0000ff), kNoon);
  EXPECT_EQ(change.kind, ChangeKind::kMoved);
  EXPECT_EQ(change.device.address, 0x0a0000ffu);
  EXPECT_EQ(table.size(), 1u);
}

TEST(DeviceTable, AnotherInterfaceIsAMove) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  Observation elsewhere = Heard(1);
  elsewhere.interface = "eth1";
  EXPECT_EQ(table.Observe(elsewhere, kNoon).kind, ChangeKind::kMoved);
}

TEST(DeviceTable, AClockThatIsSetBackDoesNotMakeADeviceOlderThanItIs) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  const Change change = table.Observe(Heard(1), kNoon - absl::Hours(1));
  EXPECT_EQ(change.device.last_seen, kNoon);
}

TEST(DeviceTable, TheLongestSilentMakesRoom) {
  DeviceTable table(2);
  table.Observe(Heard(1), kNoon);
  table.Observe(Heard(2), kNoon);
  table.Observe(Heard(1), kNoon);
  const Change change = table.Observe(Heard(3), kNoon);
  EXPECT_EQ(change.forgotten, Mac(2));
  EXPECT_THAT(Macs(Latest(table, 10)), ElementsAre(Mac(1), Mac(3)));
}

TEST(DeviceTable, SeenSinceListsWhoSpokeAfterTheMarkInOrderOfAddress) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  table.Observe(Heard(5), kNoon);
  const std::uint64_t mark = table.mark();
  table.Observe(Heard(7), kNoon);
  // The clock was set back an hour: who spoke after the mark spoke after the mark.
  table.Observe(Heard(5), kNoon - absl::Hours(1));
  EXPECT_THAT(table.SeenSince(mark), ElementsAre(Mac(5), Mac(7)));
  EXPECT_THAT(table.SeenSince(table.mark()), IsEmpty());
}

TEST(DeviceTable, LatestLeavesOutTheLongestSilent) {
  DeviceTable table(10);
  for (std::uint32_t n = 1; n <= 5; ++n)
    table.Observe(Heard(n), kNoon);
  table.Observe(Heard(1), kNoon);
  EXPECT_THAT(Macs(Latest(table, 3)), ElementsAre(Mac(1), Mac(4), Mac(5)));
}

TEST(DeviceTable, EachChangeIsSavedOnce) {
  DeviceTable table(10);
  table.Observe(Heard(1), kNoon);
  table.Observe(Heard(1), kNoon + absl::Seconds(1));
  const auto unsaved = table.TakeUnsaved();
  ASSERT_THAT(unsaved.changed, SizeIs(1));
  EXPECT_EQ(unsaved.changed[0].last_seen, kNoon + absl::Seconds(1));
  table.OnSaved(unsaved);
  EXPECT_TRUE(table.TakeUnsaved().empty());
}

TEST(DeviceTable, WhatIsTakenInPartsIsTakenOnce) {
  DeviceTable table(10);
  for (std::uint32_t n = 1; n <= 5; ++n)
    table.Observe(Heard(n), kNoon);
  std::multiset<wire::MacAddress> taken;
  for (const std::size_t left : {5u, 3u, 1u}) {
    EXPECT_EQ(table.unsaved(), left);
    for (const Device& device : table.TakeUnsaved(2).changed)
      taken.insert(device.mac);
  }
  EXPECT_EQ(table.unsaved(), 0u);
  EXPECT_TRUE(table.TakeUnsaved(2).empty());
  EXPECT_EQ(taken.size(), 5u);
  EXPECT_EQ(std::set<wire::MacAddress>(taken.begin(), taken.end()).size(), 5u);
}

TEST(DeviceTable, WhatWasSavedAndForgottenIsDeleted) {
  DeviceTable table(1);
  table.Observe(Heard(1), kNoon);
  table.OnSaved(table.TakeUnsaved());
  table.Observe(Heard(2), kNoon);
  const auto unsaved = table.TakeUnsaved();
  EXPECT_THAT(Macs(unsaved.changed), ElementsAre(Mac(2)));
  EXPECT_THAT(unsaved.forgotten, ElementsAre(Mac(1)));
}

TEST(DeviceTable, WhatComesAndGoesBetweenTwoSavesIsNeverWritten) {
  DeviceTable table(1);
  for (std::uint32_t n = 1; n <= 1000; ++n)
    table.Observe(Heard(n), kNoon);
  const auto unsaved = table.TakeUnsaved();
  EXPECT_THAT(Macs(unsaved.changed), ElementsAre(Mac(1000)));
  EXPECT_THAT(unsaved.forgotten, IsEmpty());
}

TEST(DeviceTable, WhatIsForgottenWhileItIsWrittenIsDeletedNext) {
  DeviceTable table(1);
  table.Observe(Heard(1), kNoon);
  const auto writing = table.TakeUnsaved();
  table.Observe(Heard(2), kNoon);
  table.OnSaved(writing);
  EXPECT_THAT(table.TakeUnsaved().forgotten, ElementsAre(Mac(1)));
}

TEST(DeviceTable, AFailedSaveIsOwedAgain) {
  DeviceTable table(2);
  table.Observe(Heard(1), kNoon);
  table.OnSaveFailed(table.TakeUnsaved());
  EXPECT_THAT(Macs(table.TakeUnsaved().changed), ElementsAre(Mac(1)));
}

TEST(DeviceTable, AFailedDeletionIsOwedAgainUnlessTheDeviceIsBack) {
  DeviceTable table(1);
  table.Observe(Heard(1), kNoon);
  table.OnSaved(table.TakeUnsaved());
  table.Observe(Heard(2), kNoon);
  table.OnSaveFailed(table.TakeUnsaved());
  table.Observe(Heard(1), kNoon);
  const auto unsaved = table.TakeUnsaved();
  EXPECT_THAT(Macs(unsaved.changed), ElementsAre(Mac(1)));
  EXPECT_THAT(unsaved.forgotten, IsEmpty());
}

TEST(DeviceTable, AnOlderRecordOnDiskIsDeletedAlsoAfterTheDeviceCameBack) {
  DeviceTable table(1);
  table.Observe(Heard(1), kNoon);
  table.OnSaved(table.TakeUnsaved());
  table.Observe(Heard(2), kNoon);  // 1 is forgotten, its record is still there.
  table.Observe(Heard(1), kNoon);  // It comes back before that is deleted
  table.Observe(Heard(3), kNoon);  // and goes again.
  EXPECT_THAT(table.TakeUnsaved().forgotten, ElementsAre(Mac(1)));
}

TEST(DeviceTable, RestoreBringsBackWhatWasSaved) {
  DeviceTable before(10);
  before.Observe(Heard(1), kNoon);
  before.Observe(Heard(2), kNoon + absl::Minutes(1));
  DeviceTable after(10);
  after.Restore(before.TakeUnsaved().changed);
  EXPECT_EQ(Latest(after, 10), Latest(before, 10));
  EXPECT_TRUE(after.TakeUnsaved().empty());
  EXPECT_EQ(after.Observe(Heard(1), kNoon + absl::Hours(1)).device.first_seen, kNoon);
}

TEST(DeviceTable, WhatWasRestoredHasNotBeenSeenByANewSweep) {
  DeviceTable before(10);
  before.Observe(Heard(1), kNoon);
  DeviceTable after(10);
  after.Restore(before.TakeUnsaved().changed);
  EXPECT_THAT(after.SeenSince(after.mark()), IsEmpty());
}

TEST(DeviceTable, RestoreOfTooManyKeepsTheLatestAndDeletesTheRest) {
  DeviceTable before(10);
  for (std::uint32_t n = 1; n <= 3; ++n)
    before.Observe(Heard(n), kNoon + absl::Minutes(n));
  DeviceTable after(2);
  after.Restore(before.TakeUnsaved().changed);
  EXPECT_THAT(Macs(Latest(after, 10)), ElementsAre(Mac(2), Mac(3)));
  EXPECT_THAT(after.TakeUnsaved().forgotten, ElementsAre(Mac(1)));
}

TEST(DeviceTable, GroupsAndNobodyAreNoDevices) {
  wire::MacAddress group;
  group.octets = {0x01, 0, 0x5e, 0, 0, 1};
  EXPECT_FALSE(IsDeviceMac(group));
  EXPECT_FALSE(IsDeviceMac(wire::MacAddress{}));
  EXPECT_TRUE(IsDeviceMac(Mac(1)));
}

}  // namespace
}  // namespace tentacle::discovery
