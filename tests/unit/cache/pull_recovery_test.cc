// Pulls across restarts and in trouble that lasts.
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/chunks/fast_cdc.h"
#include "libs/identity/identity.h"
#include "services/cache/limits.h"
#include "tests/support/env_number.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using v1::IMAGE_STATE_ABSENT;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;
using v1::IMAGE_STATE_PULLING;

constexpr std::size_t kMib = 1 << 20;
constexpr std::size_t kSize = 3 * kMib + 11;

OriginReply HeldAt(OriginReply honest, std::size_t bytes) {
  honest.hold_at = bytes;
  return honest;
}

OriginReply Broken(unsigned status = 503) {
  OriginReply reply;
  reply.status = status;
  return reply;
}

class PullRecoveryTest : public ::testing::Test {
 protected:
  void SetUp() override { origin_.Put("img", bytes_); }

  void HoldFirstPullAt(std::size_t bytes) {
    origin_.OnPull([bytes](const OriginRequest& request, OriginReply honest) {
      return request.number == 1 ? HeldAt(std::move(honest), bytes) : honest;
    });
  }

  void StopInMidPull() {
    HoldFirstPullAt(2 * kMib);
    ASSERT_TRUE(bench_.Pull("img").ok());
    bench_.AwaitTold("img", 2 * kMib);
    bench_.Stop();
    rest_ = fmt::format("bytes={}-", fs::file_size(bench_.PartPath("img")));
  }

  void HaveIt() {
    ASSERT_TRUE(bench_.Pull("img").ok());
    bench_.ExpectCached("img", bytes_);
  }

  void Fails(const std::string& id) { EXPECT_EQ(bench_.AwaitRest(id).state(), IMAGE_STATE_FAILED); }

  const std::string bytes_ = Pattern(1, kSize);
  std::string rest_;  // The range that the next start has to ask for.
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(PullRecoveryTest, AStopInMidPullLosesNothingAndTheNextStartGoesOnByItself) {
  StopInMidPull();
  const std::string part = ReadFile(bench_.PartPath("img"));
  EXPECT_GE(part.size(), kMib);
  EXPECT_TRUE(bytes_.starts_with(part));
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
  ASSERT_EQ(origin_.pulls().size(), 2u);
  EXPECT_EQ(origin_.pulls()[1].range, rest_);
  EXPECT_EQ(origin_.pulls()[1].if_range, fmt::format("\"{}\"", identity::Sha256Hex(bytes_)));
  EXPECT_EQ(origin_.metas(), 1);
}

TEST_F(PullRecoveryTest, AStopWhileTheBackendFailsIsNoVerdictOnTheImage) {
  std::atomic<bool> down = true;
  origin_.OnPull(
      [&down](const OriginRequest&, OriginReply honest) { return down ? Broken() : honest; });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.Await("img", [](const v1::Image& image) { return !image.reason().empty(); });
  bench_.Stop();
  down = false;
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
}

TEST_F(PullRecoveryTest, BytesThatTheDiskGotWrongAreFoundByTheHashAndFetchedAnew) {
  StopInMidPull();
  std::fstream part(bench_.PartPath("img"), std::ios::in | std::ios::out | std::ios::binary);
  part.seekp(kMib).put(static_cast<char>(bytes_[kMib] + 1));
  part.close();
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 3u);
}

TEST_F(PullRecoveryTest, APartLongerThanTheImageIsThrownAway) {
  StopInMidPull();
  fs::resize_file(bench_.PartPath("img"), kSize + 1);
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls()[1].range, "");
}

TEST_F(PullRecoveryTest, AKillBetweenTheRenameAndTheIndexCostsAHashAndNoLine) {
  StopInMidPull();
  fs::remove(bench_.PartPath("img"));
  std::ofstream(bench_.FinalPath("img"), std::ios::binary) << bytes_;
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

TEST_F(PullRecoveryTest, AnImageWhoseFileGotShortIsNotServedFromItAndFetchedAnew) {
  HaveIt();
  bench_.Stop();
  fs::resize_file(bench_.FinalPath("img"), kMib);
  bench_.Start();
  EXPECT_EQ(bench_.Image("img").state(), IMAGE_STATE_ABSENT);
  EXPECT_TRUE(bench_.Get("img").body == bytes_);
  bench_.ExpectCached("img", bytes_);
}

// The power failed while the start before this one had the file verified once more.
TEST_F(PullRecoveryTest, AFileThatWasBeingDoubtedWhenThePowerFailedCostsAHashAndNoLine) {
  HaveIt();
  bench_.Stop();
  fs::rename(bench_.FinalPath("img"), bench_.PartPath("img"));
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

TEST_F(PullRecoveryTest, AnImageWhoseFileIsGoneIsFetchedAnewWhenItIsPinnedAndElseWhenItIsAskedFor) {
  HaveIt();
  for (const bool pinned : {false, true}) {
    ASSERT_TRUE(bench_.Do(bench_.library().Pin("img", pinned)).ok());
    bench_.Stop();
    fs::remove(bench_.FinalPath("img"));
    bench_.Start();
    if (!pinned) {
      EXPECT_EQ(bench_.Image("img").state(), IMAGE_STATE_ABSENT);
      ASSERT_TRUE(bench_.Pull("img").ok());
    }
    bench_.ExpectCached("img", bytes_);
  }
}

TEST_F(PullRecoveryTest, WhatIsRightInAFileOfAnotherSizeIsNotFetchedAgain) {
  origin_.PutChunked("chunked", bytes_);
  ASSERT_TRUE(bench_.Pull("chunked").ok());
  bench_.ExpectCached("chunked", bytes_);
  HaveIt();
  for (const char* id : {"chunked", "img"}) {
    for (const std::size_t size : {kSize + 1, kSize / 2}) {
      SCOPED_TRACE(fmt::format("{}, {} bytes", id, size));
      bench_.Stop();
      fs::resize_file(bench_.FinalPath(id), size);
      bench_.Start();
      const std::uint64_t sent = origin_.sent();
      ASSERT_TRUE(bench_.Pull(id).ok());
      bench_.ExpectCached(id, bytes_);
      EXPECT_LE(origin_.sent() - sent, size < kSize ? kSize / 2 + chunks::kChunkSizes.max : 0);
    }
  }
}

TEST_F(PullRecoveryTest, AFileThatNoIndexKnowsIsRemovedAtTheStart) {
  bench_.Stop();
  std::ofstream(bench_.folder() + "/stray") << "x";
  bench_.Start();
  EXPECT_FALSE(fs::exists(bench_.folder() + "/stray"));
}

TEST_F(PullRecoveryTest, APullThatWasUnderWayWaitsUntilTheCacheIsOn) {
  StopInMidPull();
  bench_.config.config.mutable_cache()->set_enabled(false);
  bench_.Start();
  EXPECT_EQ(bench_.Get("img").status, 503u);
  EXPECT_EQ(origin_.pulls().size(), 1u);
  bench_.OnHome([this] {
    bench_.config.config.mutable_cache()->set_enabled(true);
    bench_.library().Configure();
  });
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls()[1].range, rest_);
}

TEST_F(PullRecoveryTest, WhileTwoImagesCannotBeHadAThirdOneComes) {
  origin_.Put("bad-1", Pattern(2, 10));
  origin_.Put("bad-2", Pattern(3, 10));
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    return request.path.find("bad-") == std::string::npos ? honest : Broken();
  });
  ASSERT_TRUE(bench_.Pull("bad-1").ok());
  ASSERT_TRUE(bench_.Pull("bad-2").ok());
  bench_.Await("bad-1", [](const v1::Image& image) { return !image.reason().empty(); });
  bench_.Await("bad-2", [](const v1::Image& image) { return !image.reason().empty(); });
  HaveIt();
  // Both are still wanted, and say why they are not here.
  EXPECT_EQ(bench_.Image("bad-1").state(), IMAGE_STATE_PULLING);
  EXPECT_THAT(bench_.Image("bad-2").reason(), HasSubstr("503"));
}

TEST_F(PullRecoveryTest, APullThatNobodyWantsAnyMoreEnds) {
  origin_.OnPull([](const OriginRequest&, OriginReply) { return Broken(); });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.Await("img", [](const v1::Image& image) { return !image.reason().empty(); });
  bench_.Later(limits::kTaskWants + absl::Seconds(1));
  Fails("img");
  EXPECT_THAT(bench_.Image("img").reason(), HasSubstr("the backend answered 503"));
}

TEST_F(PullRecoveryTest, WhatTheBackendHasNowIsAskedForBeforeAPullBegins) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    return request.number == 1 ? Broken(404) : honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  Fails("img");
  const std::string newer = Pattern(9, kSize + 5);
  origin_.Put("img", newer);
  bench_.Later(limits::kMetaRemembered);
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.ExpectCached("img", newer);
  EXPECT_EQ(bench_.Image("img").sha256(), identity::Sha256Hex(newer));
}

TEST_F(PullRecoveryTest, WithoutAnAnswerTheOldMetadataHaveToDo) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    return request.number == 1 ? Broken(404) : honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  Fails("img");
  origin_.OnMeta([](const OriginRequest&, OriginReply) { return Broken(); });
  bench_.Later(limits::kMetaRemembered);
  HaveIt();
  EXPECT_EQ(origin_.metas(), 2);
}

TEST_F(PullRecoveryTest, AnImageThatChangesWhileItIsPulledIsHadAnewAtTheNextDemand) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number > 1) return honest;
    honest.cut_after = kMib;
    return HeldAt(std::move(honest), kMib);
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", kMib);
  const std::string newer = Pattern(9, kSize);
  origin_.Put("img", newer);
  origin_.Release();
  Fails("img");
  EXPECT_THAT(bench_.Image("img").reason(), HasSubstr("has changed since it was announced"));
  EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
  bench_.Later(limits::kMetaRemembered);
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.ExpectCached("img", newer);
}

// Bar E4: a line that is cut again and again during one image costs little more than the image. All
// of it, fifty cuts of 200 MiB, is run by `scripts/test.sh long`.
TEST(CutLine, CutsOfALargeImageCostATwentiethMoreAtMost) {
  const auto large =
      static_cast<std::size_t>(tentacle::testing::EnvNumber("CACHE_CUT_MIB", 16)) * kMib;
  const auto cuts = static_cast<int>(tentacle::testing::EnvNumber("CACHE_CUTS", 15));
  const std::string bytes = Pattern(50, large);
  for (const bool chunked : {false, true}) {
    FakeOrigin origin;
    CacheBench bench(origin);
    if (chunked)
      origin.PutChunked("img", bytes);
    else
      origin.Put("img", bytes);
    origin.OnPull([large, cuts](const OriginRequest& request, OriginReply honest) {
      if (request.number <= cuts) honest.cut_after = large / static_cast<std::size_t>(cuts + 2);
      return honest;
    });
    ASSERT_TRUE(bench.Pull("img").ok());
    EXPECT_EQ(bench.AwaitRest("img").state(), IMAGE_STATE_CACHED) << bench.Image("img").reason();
    EXPECT_GT(origin.pulls().size(), static_cast<std::size_t>(cuts));
    EXPECT_LE(origin.sent(), large + large / 20) << "with a chunk list: " << chunked;
    EXPECT_TRUE(ReadFile(bench.FinalPath("img")) == bytes);
  }
}

}  // namespace
}  // namespace tentacle::cache::testing
