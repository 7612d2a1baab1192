// Repairs: of whatever happened to a file, across restarts, on a disk that refuses.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"
#include "tests/unit/cache/keeping.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

using RepairTest = KeepingTest;

TEST_F(RepairTest, ARepairThatTheDiskRefusesAgainAndAgainThrowsNothingAway) {
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

TEST_F(RepairTest, ARepairThatIsBrokenOffWhileItLooksKnowsWhatIsHere) {
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

TEST_F(RepairTest, ARepairThatARestartInterruptsIsOneStill) {
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

TEST_F(RepairTest, AfterARestartARepairThatTheDiskRefusesThrowsNothingAwayEither) {
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
    // A task had asked for it; once it has failed nobody waits for it.
    EXPECT_EQ(*bench_.library().entries().at("large")->pull_class,
              i == 0 ? PullClass::kTask : PullClass::kRepair);
    EXPECT_TRUE(fs::exists(bench_.PartPath("large"))) << i;
    bench_.Stop();
  }
  bench_.Start();
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(0); });
  bench_.Pull("large").IgnoreError();
  bench_.ExpectCached("large", bytes);
}

TEST_F(RepairTest, OneThatHasNoRoomDoesNotHoldUpTheNextOne) {
  Have("a", bytes_);
  Have("b", Pattern(6, kMib));
  for (const char* id : {"a", "b"})
    ASSERT_TRUE(bench_.Do(bench_.library().Pin(id, true)).ok());
  bench_.Stop();
  for (const char* id : {"a", "b"})
    fs::remove(bench_.FinalPath(id));
  bench_.config.config.mutable_cache()->set_max_bytes(2 * kMib);
  bench_.Start();
  EXPECT_THAT(bench_.AwaitRest("a").reason(), HasSubstr("no room"));
  EXPECT_TRUE(bench_.PullRuns("b") || bench_.Image("b").state() == IMAGE_STATE_CACHED);
  bench_.ExpectCached("b", Pattern(6, kMib));
}

// How often it was told that the image is corrupt, and of which chunks.
TEST_F(RepairTest, WhateverHappensToAFileIsTold) {
  const auto told = [this](const std::string& id) {
    return bench_.OnHome([&] {
      std::vector<std::string> bodies;
      for (const auto& event : bench_.events->all) {
        if (event.type() == "image.corrupt" &&
            event.body_json().find("\"" + id + "\"") != std::string::npos)
          bodies.push_back(event.body_json());
      }
      return bodies;
    });
  };
  for (const char* id : {"cut", "gone"}) {
    Have(id, bytes_);
    if (std::string(id) == "cut")
      fs::resize_file(bench_.FinalPath(id), kMib);
    else
      fs::remove(bench_.FinalPath(id));
    bench_.Verify(id);
    EXPECT_THAT(told(id), ElementsAre(fmt::format(R"({{"imageId":"{}"}})", id)));
  }
  origin_.Put("plain", bytes_);
  ASSERT_TRUE(bench_.Pull("plain").ok());
  bench_.ExpectCached("plain", bytes_);
  FlipBit(bench_.FinalPath("plain"), 77);
  bench_.Verify("plain");
  EXPECT_THAT(told("plain"), ElementsAre(R"({"imageId":"plain"})"));
  // A hole where bytes were.
  Have("hole", bytes_);
  const int fd = ::open(bench_.FinalPath("hole").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kMib), 0);
  ::close(fd);
  bench_.Verify("hole");
  EXPECT_THAT(told("hole"), SizeIs(limits::kWrongChunksTold));
  EXPECT_THAT(told("hole")[0], HasSubstr(R"("chunk":0)"));
  for (const char* id : {"cut", "gone", "plain", "hole"})
    bench_.ExpectCached(id, bytes_);
  bench_.Stop();
  fs::resize_file(bench_.FinalPath("cut"), kMib);
  for (const std::size_t times : {1, 0}) {
    bench_.Start();
    EXPECT_THAT(told("cut"), SizeIs(times));
    bench_.Stop();
  }
  bench_.Start();
}

}  // namespace
}  // namespace tentacle::cache::testing
