// What stays on the disk and stays right: checks, repairs, pins, tasks' images, a lost index.
#include "tests/unit/cache/keeping.h"

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
using ::testing::HasSubstr;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

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

TEST_F(KeepingTest, ACheckSaysHowFarItIs) {
  const std::string bytes = Pattern(3, 40 * kMib);
  Have("large", bytes);
  std::vector<std::uint64_t> told;
  Stopping stop;
  const auto list = bench_.library().StoredList(bench_.Image("large"));
  for (const auto* with : {list.get(), static_cast<const chunks::ChunkList*>(nullptr)}) {
    told.clear();
    EXPECT_TRUE(CheckFile(
                    bench_.FinalPath("large"), bench_.Image("large"), with, 0,
                    [&](std::uint64_t at) { told.push_back(at); }, stop)
                    .ok());
    ASSERT_EQ(told.size(), 2u);
    EXPECT_GE(told[0], limits::kCheckToldBytes);
    EXPECT_GE(told[1], told[0] + limits::kCheckToldBytes);
  }
  bench_.Verify("large");
  EXPECT_EQ(bench_.Image("large").checked_bytes(), 0u);
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

// What is left of it is no file to repair: the rest needs its room like any other.
TEST_F(RoomKeepingTest, AnImageWhoseFileIsGoneTakesNoRoomThatIsNotThere) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.path.find("/one/") != std::string::npos) honest.status = 503;
    return honest;
  });
  fs::remove(bench_.FinalPath("one"));
  bench_.OnHome([this] { ASSERT_TRUE(bench_.scrubber().Request("one").ok()); });
  bench_.AwaitTrue([this] { return bench_.PullRuns("one"); });
  EXPECT_TRUE(bench_.CancelPull("one").ok());
  bench_.AwaitRest("one");
  origin_.OnPull([](const OriginRequest&, OriginReply honest) { return honest; });
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(12 * kMib); });
  EXPECT_EQ(Pulled("three").state(), IMAGE_STATE_CACHED);
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(10 * kMib); });
  Pin("two", true);
  Pin("three", true);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Pulled("one").reason(), HasSubstr("no room"));
    bench_.Stop();
    bench_.Start();
    EXPECT_FALSE(bench_.PullRuns("one"));
  }
}

TEST_F(RoomKeepingTest, AtAStartAFileThatIsToBeRepairedIsNotEvictedForAnotherPull) {
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_head = true;
    return honest;
  });
  Pin("one", true);
  FlipBit(bench_.FinalPath("two"), 8 * kMib);
  bench_.OnHome([this] { ASSERT_TRUE(bench_.scrubber().Request("two").ok()); });
  origin_.AwaitHeld();
  origin_.PutChunked("a", Pattern(14, kMib));
  ASSERT_TRUE(bench_.Pull("a").ok());
  origin_.AwaitHeld(2);
  bench_.Stop();
  bench_.config.config.mutable_cache()->set_max_bytes(8 * kMib + kMib / 2);
  origin_.Release();
  bench_.Start();
  EXPECT_THAT(bench_.AwaitRest("a").reason(), HasSubstr("no room"));
  bench_.ExpectCached("two", Pattern(12, 4 * kMib));
  EXPECT_EQ(bench_.Counter("tentacle_cache_evictions_total"), 0);
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
