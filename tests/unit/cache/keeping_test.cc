// What stays on the disk and stays right: checks, repairs, pins, tasks' images, a lost index.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/chunks/chunk_list.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

constexpr std::size_t kMib = 1 << 20;
constexpr std::size_t kSize = 4 * kMib + 5;

// One bit, as a disk or a careless hand does it.
void FlipBit(const std::string& path, std::uint64_t bit) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  char byte = 0;
  ASSERT_EQ(::pread(fd, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  ASSERT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  ::close(fd);
}

class KeepingTest : public ::testing::Test {
 protected:
  void Have(const std::string& id, const std::string& bytes) {
    origin_.PutChunked(id, bytes);
    ASSERT_TRUE(bench_.Pull(id).ok());
    ASSERT_EQ(bench_.AwaitRest(id).state(), IMAGE_STATE_CACHED);
  }

  const std::string bytes_ = Pattern(1, kSize);
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(KeepingTest, ACheckOfARightImageSaysSoAndFetchesNothing) {
  Have("img", bytes_);
  const std::uint64_t sent = origin_.sent();
  bench_.Verify("img");
  EXPECT_EQ(origin_.sent(), sent);
  EXPECT_EQ(bench_.Counter("tentacle_cache_checks_total", "right"), 1);
  EXPECT_EQ(bench_.Counter("tentacle_cache_doubts_total"), 0);
}

TEST_F(KeepingTest, ACheckFindsTheBitAndFetchesItsChunkOnly) {
  Have("img", bytes_);
  const std::uint64_t sent = origin_.sent();
  FlipBit(bench_.FinalPath("img"), 8 * kMib + 3);
  bench_.Verify("img");
  EXPECT_LE(origin_.sent() - sent, chunks::kChunkSizes.max);
  EXPECT_GT(origin_.sent(), sent);
  EXPECT_EQ(bench_.Counter("tentacle_cache_wrong_chunks_total", "disk"), 1);
  EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == bytes_);
}

TEST_F(KeepingTest, WithoutAListACheckComparesTheWholeAndFetchesItAnew) {
  origin_.Put("plain", bytes_);
  ASSERT_TRUE(bench_.Pull("plain").ok());
  ASSERT_EQ(bench_.AwaitRest("plain").state(), IMAGE_STATE_CACHED);
  bench_.Verify("plain");
  EXPECT_EQ(origin_.pulls().size(), 1u);
  FlipBit(bench_.FinalPath("plain"), 77);
  bench_.Verify("plain");
  EXPECT_EQ(origin_.pulls().size(), 2u);
  EXPECT_TRUE(ReadFile(bench_.FinalPath("plain")) == bytes_);
}

// D4 of the reliability bars: a hundred flips, no wrong byte served.
TEST_F(KeepingTest, AFileThatSomebodyTouchedIsCheckedBeforeItIsServed) {
  Have("img", bytes_);
  std::mt19937_64 random(7);
  for (int flip = 0; flip < 100; ++flip) {
    FlipBit(bench_.FinalPath("img"), random() % (8 * kSize));
    const Answer answer = bench_.Get("img");
    ASSERT_EQ(answer.status, 200u) << answer.body;
    ASSERT_TRUE(answer.body == bytes_) << flip;
    ASSERT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_CACHED);
  }
  EXPECT_EQ(bench_.Counter("tentacle_cache_wrong_chunks_total", "disk"), 100);
  EXPECT_LE(origin_.sent(), kSize + 100 * chunks::kChunkSizes.max);
}

TEST_F(KeepingTest, WithoutAListNothingOfAFileThatSomebodyTouchedIsServedBeforeItIsChecked) {
  origin_.Put("plain", bytes_);
  bench_.Pull("plain").IgnoreError();
  ASSERT_EQ(bench_.AwaitRest("plain").state(), IMAGE_STATE_CACHED);
  for (int flip = 0; flip < 10; ++flip) {
    FlipBit(bench_.FinalPath("plain"), 77);
    const Answer answer = bench_.Get("plain");
    // What is short is asked for again; what came of it is right.
    ASSERT_TRUE(bytes_.starts_with(answer.body)) << flip;
    ASSERT_EQ(bench_.AwaitRest("plain").state(), IMAGE_STATE_CACHED);
  }
}

TEST_F(KeepingTest, AFileThatWasCutOrExchangedIsRepaired) {
  Have("img", bytes_);
  ASSERT_EQ(::truncate(bench_.FinalPath("img").c_str(), kMib), 0);
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  bench_.AwaitRest("img");
  std::ofstream(bench_.FinalPath("img"), std::ios::binary) << bytes_ << "and more";
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  bench_.AwaitRest("img");
  fs::remove(bench_.FinalPath("img"));
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  bench_.AwaitRest("img");
}

TEST_F(KeepingTest, AFileThatWasTouchedWhileTheCacheWasDownIsCheckedAtTheStart) {
  Have("img", bytes_);
  bench_.Stop();
  FlipBit(bench_.FinalPath("img"), 12345);
  const std::uint64_t sent = origin_.sent();
  bench_.Start();
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_CACHED);
  EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == bytes_);
  EXPECT_LE(origin_.sent() - sent, chunks::kChunkSizes.max);
}

TEST_F(KeepingTest, AFileWithAnotherTimeAndTheSameBytesNeedsNoLine) {
  Have("img", bytes_);
  ASSERT_EQ(::utimensat(AT_FDCWD, bench_.FinalPath("img").c_str(), nullptr, 0), 0);
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_CACHED);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

TEST_F(KeepingTest, OnlyWhatIsCachedCanBeChecked) {
  origin_.PutChunked("img", bytes_);
  EXPECT_TRUE(
      absl::IsNotFound(bench_.OnHome([&] { return bench_.scrubber().Request("img").status(); })));
  ASSERT_EQ(bench_.Get("img", "", "HEAD").status, 200u);
  bench_.AwaitRest("img");
  ASSERT_TRUE(bench_.Evict("img").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(
      bench_.OnHome([&] { return bench_.scrubber().Request("img").status(); })));
}

// The interval is over: nobody has to ask.
TEST_F(KeepingTest, ACheckIsDueAfterItsIntervalAndNotBefore) {
  Have("img", bytes_);
  bench_.Stop();
  bench_.clock.now += limits::kVerifyInterval - absl::Hours(1);
  bench_.Start();
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  EXPECT_EQ(bench_.Counter("tentacle_cache_checks_total", "right"), 0);
  bench_.Stop();
  bench_.clock.now += absl::Hours(1);
  const auto now = absl::ToUnixSeconds(bench_.clock.now);
  bench_.Start();
  bench_.Await("img",
               [now](const v1::Image& image) { return image.verified_at().seconds() == now; });
  EXPECT_EQ(bench_.Counter("tentacle_cache_checks_total", "right"), 1);
}

TEST_F(KeepingTest, ARepairThatTheDiskRefusesAgainAndAgainThrowsNothingAway) {
  const std::string bytes = Pattern(3, 40 * kMib);
  Have("large", bytes);
  std::fstream(bench_.FinalPath("large"), std::ios::in | std::ios::out | std::ios::binary)
      << Pattern(4, 36 * kMib);
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(1ull << 60); });
  // Each looks at the room after 16 MiB.
  for (int i = 0; i < 2; ++i) {
    bench_.Pull("large").IgnoreError();
    EXPECT_EQ(bench_.AwaitRest("large").state(), IMAGE_STATE_FAILED);
    EXPECT_TRUE(fs::exists(bench_.PartPath("large"))) << i;
  }
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(0); });
  ASSERT_TRUE(bench_.Pull("large").ok());
  bench_.ExpectCached("large", bytes);
}

TEST_F(KeepingTest, ARepairThatIsBrokenOffWhileItLooksKnowsWhatIsHere) {
  const std::string bytes = Pattern(3, 24 * kMib);
  Have("large", bytes);
  FlipBit(bench_.FinalPath("large"), 8 * 23 * kMib);
  ASSERT_TRUE(bench_.Pull("large").ok());
  bench_.Await("large", [this](const v1::Image& image) {
    if (image.present_bytes() == 24 * kMib) return false;
    EXPECT_TRUE(bench_.library().CancelPull("large").ok());
    return true;
  });
  EXPECT_EQ(bench_.AwaitRest("large").present_bytes(), 24 * kMib);
}

TEST_F(KeepingTest, ARepairThatARestartInterruptsIsOneStill) {
  Have("img", bytes_);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_head = true;
    return honest;
  });
  FlipBit(bench_.FinalPath("img"), 8 * kMib + 3);
  bench_.OnHome([this] { ASSERT_TRUE(bench_.scrubber().Request("img").ok()); });
  origin_.AwaitHeld();
  bench_.Stop();
  bench_.Start();
  origin_.AwaitHeld(2);
  bench_.OnHome([this] {
    const Entry& entry = *bench_.library().entries().at("img");
    EXPECT_EQ(*entry.pull_class, PullClass::kRepair);
    EXPECT_TRUE(entry.doubted);
  });
  origin_.Release();
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(bench_.Counter("tentacle_cache_wrong_chunks_total", "disk"), 1);
  EXPECT_EQ(bench_.Told("image.corrupt", "imageId", "img", "imageId"), "img");
}

TEST_F(KeepingTest, AfterARestartARepairThatTheDiskRefusesThrowsNothingAwayEither) {
  const std::string bytes = Pattern(3, 40 * kMib);
  Have("large", bytes);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    honest.hold_head = request.number == 2;
    return honest;
  });
  std::fstream(bench_.FinalPath("large"), std::ios::in | std::ios::out | std::ios::binary)
      << Pattern(4, 36 * kMib);
  bench_.Pull("large").IgnoreError();
  origin_.AwaitHeld();
  bench_.Stop();
  bench_.config.config.mutable_cache()->set_min_free_bytes(1ull << 60);
  for (int i = 0; i < 2; ++i) {
    bench_.Start();
    EXPECT_EQ(bench_.AwaitRest("large").state(), IMAGE_STATE_FAILED);
    EXPECT_TRUE(fs::exists(bench_.PartPath("large"))) << i;
    bench_.Stop();
  }
  bench_.Start();
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(0); });
  bench_.Pull("large").IgnoreError();
  bench_.ExpectCached("large", bytes);
}

class RoomKeepingTest : public KeepingTest {
 protected:
  void SetUp() override {
    bench_.config.config.mutable_cache()->set_max_bytes(10 * kMib);
    Have("one", Pattern(11, 4 * kMib));
    Have("two", Pattern(12, 4 * kMib));
    origin_.PutChunked("three", Pattern(13, 4 * kMib));
  }

  v1::Image Pulled(const std::string& id) {
    static_cast<void>(bench_.Pull(id));
    return bench_.AwaitRest(id);
  }

  void Pin(const std::string& id, bool pinned) {
    const auto entry = bench_.Do(bench_.library().Pin(id, pinned));
    ASSERT_TRUE(entry.ok());
  }
};

TEST_F(RoomKeepingTest, APinnedImageStaysAlsoOverARestartAndTheOtherOneGoes) {
  Pin("one", true);
  bench_.Stop();
  bench_.Start();
  EXPECT_EQ(Pulled("three").state(), IMAGE_STATE_CACHED);
  EXPECT_EQ(bench_.Image("one").state(), IMAGE_STATE_CACHED);
  EXPECT_NE(bench_.Image("two").state(), IMAGE_STATE_CACHED);
  const auto refused = bench_.Evict("one");
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("pinned"));
  Pin("one", false);
  EXPECT_TRUE(bench_.Evict("one").ok());
}

TEST_F(RoomKeepingTest, ImagesThatTasksNeedStayAndTheRefusalSaysSo) {
  bench_.OnHome([&] { bench_.library().ReplaceNeeded({"one", "two", "unknown"}); });
  bench_.Stop();
  bench_.Start();
  const v1::Image refused = Pulled("three");
  EXPECT_EQ(refused.state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(refused.reason(), HasSubstr("stay: needed by a task"));
  EXPECT_TRUE(origin_.pulls().size() == 2);
  bench_.OnHome([&] { bench_.library().ReplaceNeeded({"two"}); });
  EXPECT_EQ(Pulled("three").state(), IMAGE_STATE_CACHED);
  EXPECT_NE(bench_.Image("one").state(), IMAGE_STATE_CACHED);
}

TEST_F(RoomKeepingTest, AnEvictedImageLeavesNothingBehind) {
  ASSERT_TRUE(bench_.Evict("one").ok());
  EXPECT_FALSE(fs::exists(bench_.FinalPath("one")));
  EXPECT_EQ(bench_.OnHome([&] { return bench_.library().UsedBytes(); }), 4 * kMib);
  const v1::Image image = bench_.Image("one");
  EXPECT_EQ(bench_.OnHome([&] { return bench_.library().StoredList(image); }), nullptr);
  const auto told = bench_.OnHome([this] { return bench_.events->all; });
  const auto last = std::find_if(told.rbegin(), told.rend(), [](const auto& event) {
    return event.type() == "image.progress";
  });
  EXPECT_EQ(last->priority(), event::v1::PRIORITY_RESULT);
  EXPECT_THAT(last->body_json(), HasSubstr(R"("state":"absent","presentBytes":0)"));
}

class LostIndexTest : public KeepingTest {
 protected:
  // What holds the index is damaged from its middle on.
  void DamageIndex() {
    for (const auto& file : fs::directory_iterator(bench_.database())) {
      const std::string name = file.path().filename().string();
      if (!name.starts_with("MANIFEST") && file.path().extension() != ".log" &&
          file.path().extension() != ".sst") {
        continue;
      }
      std::fstream out(file.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto size = static_cast<std::streamoff>(fs::file_size(file.path()));
      out.seekp(size / 3);
      out.write(std::string(static_cast<std::size_t>(size / 3), '\xff').data(), size / 3);
    }
  }
};

TEST_F(LostIndexTest, ImagesThatOutliveTheirIndexAreCheckedAndNotFetched) {
  Have("img", bytes_);
  const std::uint64_t sent = origin_.sent();
  bench_.Stop();
  DamageIndex();
  bench_.Start();
  EXPECT_EQ(bench_.OnHome([&] { return bench_.library().UsedBytes(); }), kSize);
  bench_.Stop();  // A second start believes them, too.
  bench_.Start();
  ASSERT_TRUE(bench_.Pull("img").ok());
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_CACHED);
  EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == bytes_);
  EXPECT_EQ(origin_.sent(), sent);
}

TEST_F(LostIndexTest, WhatNobodyAsksForGoesFirstWhenRoomIsNeeded) {
  bench_.config.config.mutable_cache()->set_max_bytes(6 * kMib);
  Have("img", bytes_);
  bench_.Stop();
  DamageIndex();
  bench_.Start();
  Have("other", Pattern(2, 3 * kMib));
  EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
  EXPECT_EQ(bench_.OnHome([&] { return bench_.library().UsedBytes(); }), 3 * kMib);
}

}  // namespace
}  // namespace tentacle::cache::testing
