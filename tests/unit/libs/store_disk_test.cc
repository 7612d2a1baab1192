// A disk that is really full: the store refuses, lives, and goes on when there is space again.
#include <fmt/format.h>

#include <cstdio>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "libs/store/store.h"
#include "tests/support/small_disk.h"

namespace tentacle::store {
namespace {

using testing::SmallDisk;

constexpr int kDiskMebibytes = 64;
constexpr int kCycles = 20;
constexpr std::size_t kValueBytes = 30'000;

class Writer {
 public:
  explicit Writer(Store& store) : store_(store) {}

  absl::Status Write() {
    const int number = next_++;
    const std::string value(kValueBytes, static_cast<char>('a' + number % 26));
    absl::Status status = store_.Apply({{Key(number), value}});
    if (status.ok()) acknowledged_.insert(number);
    return status;
  }

  void ExpectAllIn(Store& store) const {
    EXPECT_FALSE(store.recovered()) << store.recovery_reason();
    for (const int number : acknowledged_)
      EXPECT_TRUE(store.Get(Key(number))->has_value()) << Key(number) << " was acknowledged";
  }

 private:
  static std::string Key(int number) { return fmt::format("key/{:06}", number); }

  Store& store_;
  int next_ = 0;
  std::set<int> acknowledged_;
};

TEST(FullDisk, IsRefusedBeforeItIsFullAndHealsTwentyTimes) {
  SmallDisk disk(kDiskMebibytes);
  auto store = *Store::Open(disk / "db");
  Writer writer(*store);
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    ASSERT_TRUE(writer.Write().ok());
    EXPECT_TRUE(store->Check().ok) << store->Check().detail;
    disk.FillBut(20 << 20);
    EXPECT_TRUE(absl::IsResourceExhausted(writer.Write()));
    EXPECT_FALSE(store->Check().ok);
    EXPECT_NE(store->Check().detail.find("is full"), std::string::npos) << store->Check().detail;
    disk.Empty();
  }
  EXPECT_EQ(store->counts().refused_full, static_cast<std::uint64_t>(kCycles));
  EXPECT_EQ(store->counts().failed, 0u);
  store.reset();
  writer.ExpectAllIn(**Store::Open(disk / "db"));
}

// Somebody else takes the last bytes between the look at the disk and the write.
TEST(FullDisk, WhenTheWriteItselfFindsNoSpaceTheProcessLivesAndHealsTwentyTimes) {
  SmallDisk disk(kDiskMebibytes);
  StoreOptions blind;
  blind.reopen_delay = std::chrono::milliseconds(0);
  blind.free_bytes = [](const std::string&) { return 1ull << 40; };
  auto store = *Store::Open(disk / "db", blind);
  Writer writer(*store);
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(writer.Write().ok());
    // Room for nothing, for half of a write, or for some writes but not for a table.
    const std::uint64_t left = static_cast<std::uint64_t>(cycle % 4) * 15'000;
    absl::Status status;
    for (int i = 0; i < 200 && status.ok(); ++i) {
      // Again and again: the store may give space back behind our back.
      disk.FillBut(left);
      status = writer.Write();
    }
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    // It may find room by itself from here on: opening anew gives the old log's space back.
    disk.Empty();
    EXPECT_TRUE(store->Check().ok) << store->Check().detail;
  }
  EXPECT_GE(store->counts().reopened, static_cast<std::uint64_t>(kCycles));
  store.reset();
  writer.ExpectAllIn(**Store::Open(disk / "db"));
}

TEST(FullDisk, WithRoomForARecoveryOnlyTheStoreOpensAndTakesNoWrites) {
  SmallDisk disk(kDiskMebibytes);
  { ASSERT_TRUE((*Store::Open(disk / "db"))->Apply({{"a", "1"}}).ok()); }
  disk.FillBut(10 << 20);
  auto store = Store::Open(disk / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(**(*store)->Get("a"), "1");
  EXPECT_TRUE(absl::IsResourceExhausted((*store)->Apply({{"a", "2"}})));
}

TEST(FullDisk, WithoutRoomForARecoveryTheStoreIsNotOpened) {
  SmallDisk disk(kDiskMebibytes);
  { ASSERT_TRUE((*Store::Open(disk / "db"))->Apply({{"a", "1"}}).ok()); }
  disk.FillBut(1 << 20);
  const absl::Status status = Store::Open(disk / "db").status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  disk.Empty();
  auto store = Store::Open(disk / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(**(*store)->Get("a"), "1");
}

TEST(FullDisk, OpeningThatFindsNoSpaceFailsAndLeavesTheStoreWhole) {
  SmallDisk disk(kDiskMebibytes);
  { ASSERT_TRUE((*Store::Open(disk / "db"))->Apply({{"a", "1"}}).ok()); }
  StoreOptions blind;
  blind.free_bytes = [](const std::string&) { return 1ull << 40; };
  disk.FillBut(0);
  EXPECT_FALSE(Store::Open(disk / "db", blind).ok());
  disk.Empty();
  auto store = Store::Open(disk / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_FALSE((*store)->recovered()) << (*store)->recovery_reason();
  EXPECT_EQ(**(*store)->Get("a"), "1");
}

}  // namespace
}  // namespace tentacle::store

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (const std::string reason = tentacle::testing::EnterOwnMounts(); !reason.empty()) {
    fmt::print("skipped: a small disk needs a mount namespace: {}\n", reason);
    return 77;
  }
  return RUN_ALL_TESTS();
}
