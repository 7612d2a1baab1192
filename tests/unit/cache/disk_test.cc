// A disk that is really full, at any step of a pull. Needs root for a mount namespace of its own.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/runtime/kill_point.h"
#include "tests/support/small_disk.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"
#include "tests/unit/cache/kill_world.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

constexpr std::size_t kMib = 1 << 20;
// The index wants 32 MiB for itself.
constexpr int kDiskMib = 128;

class DiskTest : public ::testing::Test {
 protected:
  void SetUp() override { bench_.Start(); }

  v1::Image Pulled(const std::string& id) {
    static_cast<void>(bench_.Pull(id));
    return bench_.AwaitRest(id);
  }

  tentacle::testing::SmallDisk disk_{kDiskMib};
  FakeOrigin origin_;
  CacheBench bench_{origin_.url(), disk_ / "."};
};

TEST_F(DiskTest, AnImageThatCannotFitIsRefusedBeforeItsFirstByte) {
  origin_.Put("large", "x");
  origin_.OnMeta([](const OriginRequest&, OriginReply honest) {
    honest.body = fmt::format(R"({{"id":"large","sha256":"{:064}","sizeBytes":150000000}})", 0);
    return honest;
  });
  const v1::Image refused = Pulled("large");
  EXPECT_EQ(refused.state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(refused.reason(), StartsWith("no room: needs 0.15 GB"));
  EXPECT_EQ(origin_.sent(), 0u);
}

TEST_F(DiskTest, TheOldestGoesForTheNewestAndTheFreeSpaceThatWasAskedForIsKept) {
  bench_.config.config.mutable_cache()->set_min_free_bytes(85 * kMib);
  for (const std::string id : {"one", "two", "three"}) {
    origin_.PutChunked(id, Pattern(static_cast<std::uint64_t>(id[0] + id[1]), 15 * kMib));
    EXPECT_EQ(Pulled(id).state(), IMAGE_STATE_CACHED) << bench_.Image(id).reason();
    EXPECT_GE(disk_.FreeBytes(), 85 * kMib);
    bench_.OnHome([&] { bench_.clock.now += absl::Minutes(5); });
  }
  EXPECT_NE(bench_.Image("one").state(), IMAGE_STATE_CACHED);
}

// What a pull finds to be wrong lies on the disk all the same: its room is not promised twice.
TEST_F(DiskTest, AnImageThatIsRepairedFromItsStartOnKeepsNoRoomFromOthers) {
  const std::string repaired = Pattern(1, 56 * kMib);
  const std::string other = Pattern(2, 24 * kMib);
  origin_.PutChunked("repaired", repaired);
  origin_.PutChunked("other", other);
  ASSERT_EQ(Pulled("repaired").state(), IMAGE_STATE_CACHED);
  {
    std::fstream file(bench_.FinalPath("repaired"),
                      std::ios::in | std::ios::out | std::ios::binary);
    file << Pattern(3, repaired.size());
  }
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number == 2) honest.hold_at = 1;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("repaired").ok());
  origin_.AwaitHeld();
  EXPECT_EQ(bench_.Pull("other"), absl::OkStatus());
  origin_.Release();
  bench_.ExpectCached("repaired", repaired);
  bench_.ExpectCached("other", other);
}

TEST_F(DiskTest, AnImageThatIsEvictedWhileAnotherIsMadeOfItGivesItsRoomBack) {
  const std::string both = Pattern(1, 16 * kMib);
  origin_.PutChunked("old", both + Pattern(2, 8 * kMib));
  origin_.PutChunked("new", both + Pattern(3, 8 * kMib));
  ASSERT_EQ(Pulled("old").state(), IMAGE_STATE_CACHED);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number == 2) honest.hold_at = 1;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("new").ok());
  origin_.AwaitHeld();
  const std::uint64_t before = disk_.FreeBytes();
  ASSERT_TRUE(bench_.Evict("old").ok());
  EXPECT_GE(disk_.FreeBytes(), before + 23 * kMib);
  origin_.Release();
  EXPECT_EQ(bench_.AwaitRest("new").state(), IMAGE_STATE_CACHED);
}

TEST_F(DiskTest, ARepairThatFindsTheDiskFullKeepsWhatIsRight) {
  const std::string bytes = Pattern(1, 24 * kMib);
  origin_.PutChunked("img", bytes);
  ASSERT_EQ(Pulled("img").state(), IMAGE_STATE_CACHED);
  fs::resize_file(bench_.FinalPath("img"), 20 * kMib);
  disk_.FillBut(kMib);
  EXPECT_EQ(Pulled("img").state(), IMAGE_STATE_FAILED);
  EXPECT_GE(bench_.Image("img").present_bytes(), 19 * kMib);
  disk_.Empty();
  const std::uint64_t sent = origin_.sent();
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.ExpectCached("img", bytes);
  EXPECT_LE(origin_.sent() - sent, 5 * kMib);
}

class FullAtTest : public DiskTest, public ::testing::WithParamInterface<std::size_t> {};

// Something else fills the disk while the image comes.
TEST_P(FullAtTest, ThePullFailsWithTheReasonLeavesNoFileAndOthersAreServed) {
  const std::string here = Pattern(1, kMib);
  origin_.PutChunked("here", here);
  ASSERT_EQ(Pulled("here").state(), IMAGE_STATE_CACHED);
  const std::string bytes = Pattern(2, 12 * kMib);
  origin_.PutChunked("img", bytes);
  const int before = static_cast<int>(origin_.pulls().size());
  origin_.OnPull([before](const OriginRequest& request, OriginReply honest) {
    if (request.number == before + 1) honest.hold_at = GetParam();
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  origin_.AwaitHeld();
  disk_.FillBut(kMib);
  origin_.Release();
  const v1::Image failed = bench_.AwaitRest("img");
  EXPECT_EQ(failed.state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(failed.reason(), HasSubstr("the disk"));
  EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
  EXPECT_EQ(failed.present_bytes(), 0u);
  EXPECT_TRUE(bench_.Get("here").body == here);
  disk_.Empty();
  // The index mends itself; then there is room.
  EXPECT_EQ(Pulled("img").state(), IMAGE_STATE_CACHED) << bench_.Image("img").reason();
  EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == bytes);
}

INSTANTIATE_TEST_SUITE_P(Moments, FullAtTest, ::testing::Values(1, kMib, 6 * kMib, 10 * kMib));

// Fills the disk when a named place is passed for the first time.
class Filling {
 public:
  Filling(tentacle::testing::SmallDisk& disk, std::string place)
      : disk_(disk), place_(std::move(place)) {
    now_ = this;
    runtime::at_kill_point = [](std::string_view name) { now_.load()->Pass(name); };
  }

  ~Filling() { runtime::at_kill_point = nullptr; }

  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

  bool done() const { return done_; }

 private:
  void Pass(std::string_view name) {
    if (name == place_ && !done_.exchange(true)) disk_.FillBut(0);
  }

  static inline std::atomic<Filling*> now_ = nullptr;
  tentacle::testing::SmallDisk& disk_;
  const std::string place_;
  std::atomic<bool> done_ = false;
};

class FullAtStepTest : public DiskTest, public ::testing::WithParamInterface<const char*> {};

// A repair, a pull that copies half of what it needs, and an eviction.
TEST_P(FullAtStepTest, NothingIsWrongAndAfterwardsAllIsThere) {
  const std::string both = Pattern(1, 2 * kMib);
  const std::string old = both + Pattern(2, kMib);
  const std::string img = both + Pattern(3, kMib);
  origin_.PutChunked("old", old);
  origin_.PutChunked("img", img);
  ASSERT_EQ(Pulled("old").state(), IMAGE_STATE_CACHED);
  {
    const Filling filling(disk_, GetParam());
    FlipBit(bench_.FinalPath("old"), 8 * 5 * kMib / 2);
    bench_.OnHome([this] { ASSERT_TRUE(bench_.scrubber().Request("old").ok()); });
    bench_.AwaitTrue([this] { return bench_.Collected("tentacle_cache_doubts_total") == 1; });
    EXPECT_EQ(bench_.AwaitRest("old").state(), IMAGE_STATE_CACHED) << bench_.Image("old").reason();
    const v1::Image pulled = Pulled("img");
    if (pulled.state() != IMAGE_STATE_CACHED) {
      EXPECT_EQ(pulled.state(), IMAGE_STATE_FAILED);
      EXPECT_THAT(pulled.reason(), HasSubstr("disk"));
      EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
    }
    EXPECT_TRUE(bench_.Get("old").body == old);
    bench_.AwaitTrue([this] { return bench_.Evict("old").ok(); });
    EXPECT_TRUE(filling.done());
  }
  disk_.Empty();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Pulled("old").state(), IMAGE_STATE_CACHED) << bench_.Image("old").reason();
    EXPECT_EQ(Pulled("img").state(), IMAGE_STATE_CACHED) << bench_.Image("img").reason();
    EXPECT_TRUE(ReadFile(bench_.FinalPath("old")) == old);
    EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == img);
    bench_.Stop();
    bench_.Start();
  }
  for (const char* id : {"old", "img"})
    bench_.AwaitTrue([&] { return bench_.Evict(id).ok(); });
  EXPECT_TRUE(fs::is_empty(bench_.folder()));
}

INSTANTIATE_TEST_SUITE_P(Places,
                         FullAtStepTest,
                         ::testing::ValuesIn(kKillPlaces),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tentacle::cache::testing

int main(int argc, char** argv) {
  if (const std::string why = tentacle::testing::EnterOwnMounts(); !why.empty()) {
    std::printf("skipped: %s\n", why.c_str());
    return 77;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
