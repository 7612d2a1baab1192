#include "services/discovery/device_store.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace asio = boost::asio;

const absl::Time kNoon = absl::FromUnixMillis(1'700'000'000'123);

Device MakeDevice(std::uint8_t n) {
  Device device;
  device.mac.octets = {0x02, 0, 0, 0, 0, n};
  device.address = 0x0a000000u + n;
  device.hostname = "printer";
  device.vendor = "Somebody";
  device.interface = "eth0";
  device.first_seen = kNoon;
  device.last_seen = kNoon + absl::Hours(n);
  return device;
}

asio::awaitable<void> Keep(asio::awaitable<absl::Status> task,
                           std::optional<absl::Status>* result) {
  *result = co_await std::move(task);
}

class DeviceStoreTest : public ::testing::Test {
 protected:
  DeviceStoreTest() : pool_(1) { Reopen(); }

  void Reopen() {
    devices_.reset();
    store_.reset();
    auto opened = store::Store::Open(dir_ / "db");
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    devices_.emplace(*store_, pool_);
  }

  absl::Status Wait(asio::awaitable<absl::Status> task) {
    std::optional<absl::Status> result;
    asio::io_context io;
    asio::co_spawn(io, Keep(std::move(task), &result), asio::detached);
    io.run();
    return *result;
  }

  asio::thread_pool pool_;
  const TempDir dir_;
  std::unique_ptr<store::Store> store_;
  std::optional<DeviceStore> devices_;
};

TEST_F(DeviceStoreTest, ANewOneIsEmptyAndHasNeverScanned) {
  const auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->devices, IsEmpty());
  EXPECT_EQ(loaded->last_scan, absl::InfinitePast());
}

TEST_F(DeviceStoreTest, DevicesSurviveARestartWhole) {
  ASSERT_TRUE(Wait(devices_->Save({{MakeDevice(1), MakeDevice(2)}, {}})).ok());
  ASSERT_TRUE(Wait(devices_->SaveLastScan(kNoon)).ok());
  Reopen();
  const auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->devices, UnorderedElementsAre(MakeDevice(1), MakeDevice(2)));
  EXPECT_EQ(loaded->last_scan, kNoon);
  EXPECT_EQ(loaded->unreadable, 0u);
}

TEST_F(DeviceStoreTest, ForgottenDevicesAreGone) {
  ASSERT_TRUE(Wait(devices_->Save({{MakeDevice(1), MakeDevice(2)}, {}})).ok());
  ASSERT_TRUE(Wait(devices_->Save({{}, {MakeDevice(1).mac}})).ok());
  const auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->devices, UnorderedElementsAre(MakeDevice(2)));
}

TEST_F(DeviceStoreTest, HistoriesOfPingsSurviveARestartAndTheForgottenAreGone) {
  PingHistory history;
  history.OnResult(true, absl::Milliseconds(2), kNoon);
  history.OnResult(false, {}, kNoon);
  ASSERT_TRUE(Wait(devices_->SavePings({{0x0a000001, history}, {0x0a000002, history}})).ok());
  Reopen();
  auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  ASSERT_THAT(loaded->pings, SizeIs(2));
  EXPECT_EQ(loaded->pings.at(0x0a000001).At(kNoon).hour_percent, 50);
  loaded->pings.erase(0x0a000001);
  ASSERT_TRUE(Wait(devices_->SavePings(loaded->pings)).ok());
  Reopen();
  EXPECT_THAT(devices_->Load()->pings, ElementsAre(Key(0x0a000002u)));
}

TEST_F(DeviceStoreTest, AHistoryThatCannotBeReadIsCounted) {
  ASSERT_TRUE(store_->Apply({{"ping/10.0.0.1", "\x07 garbage"}, {"ping/printer", ""}}).ok());
  const auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->pings, IsEmpty());
  EXPECT_EQ(loaded->unreadable, 2u);
}

TEST_F(DeviceStoreTest, ARecordThatIsNoDeviceIsCountedAndTheOthersAreRead) {
  ASSERT_TRUE(Wait(devices_->Save({{MakeDevice(1)}, {}})).ok());
  ASSERT_TRUE(store_->Apply({{"device/zz", "\xff\xff garbage"}, {"device/empty", ""}}).ok());
  const auto loaded = devices_->Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(loaded->devices, UnorderedElementsAre(MakeDevice(1)));
  EXPECT_EQ(loaded->unreadable, 2u);
}

}  // namespace
}  // namespace tentacle::discovery
