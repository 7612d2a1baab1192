// A cache that is full: who has to go, who may stay, and what is refused.
#include <fmt/format.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/store/store.h"
#include "services/cache/limits.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using v1::IMAGE_STATE_ABSENT;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

constexpr std::size_t kMib = 1 << 20;

class RoomTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_.OnHome(
        [this] { bench_.config.config.mutable_cache()->set_max_bytes(2 * kLarge + kLarge / 2); });
    for (const char* id : {"a", "b", "c"})
      origin_.Put(id, Bytes(id));
  }

  static std::string Bytes(const std::string& id) {
    return Pattern(static_cast<unsigned char>(id[0]), kLarge);
  }

  void PullWhole(const std::string& id) {
    bench_.Later(absl::Minutes(1));
    ASSERT_TRUE(bench_.Pull(id).ok());
    bench_.ExpectCached(id, Bytes(id));
  }

  // More than the kernel keeps for a client that does not read.
  static constexpr std::size_t kLarge = 12 * kMib;

  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(RoomTest, TheImageUsedLeastRecentlyMakesRoom) {
  PullWhole("a");
  PullWhole("b");
  bench_.Later(absl::Minutes(1));
  EXPECT_TRUE(bench_.Get("a").body == Bytes("a"));
  PullWhole("c");
  EXPECT_EQ(bench_.Image("b").state(), IMAGE_STATE_ABSENT);
  EXPECT_FALSE(fs::exists(bench_.FinalPath("b")));
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
  EXPECT_EQ(bench_.Counter("tentacle_cache_evictions_total"), 1);
  EXPECT_EQ(bench_.Counter("tentacle_cache_used_bytes"), 2.0 * kLarge);
}

TEST_F(RoomTest, AnImageInUseIsNeitherEvictedForAnotherNorOnRequest) {
  PullWhole("a");
  Client slow(bench_.port());
  slow.Send("a");
  ASSERT_EQ(slow.Head().status, 200u);
  PullWhole("b");
  PullWhole("c");
  EXPECT_EQ(bench_.Image("b").state(), IMAGE_STATE_ABSENT);
  EXPECT_TRUE(absl::IsFailedPrecondition(bench_.Evict("a").status()));
  EXPECT_TRUE(slow.Read(kLarge) == Bytes("a"));
  EXPECT_EQ(slow.Read(1), "");  // The end of the line: the answer is over for the cache too.
  EXPECT_EQ(*bench_.Evict("a"), kLarge);
  EXPECT_FALSE(fs::exists(bench_.FinalPath("a")));
  EXPECT_TRUE(bench_.Get("a").body == Bytes("a"));
}

TEST_F(RoomTest, AnImageThatIsPulledIsNotEvicted) {
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", 2 * kMib);
  EXPECT_TRUE(absl::IsFailedPrecondition(bench_.Evict("a").status()));
  // Its rest counts as used: a third image does not fit beside two that come.
  ASSERT_TRUE(bench_.Pull("b").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(bench_.Pull("c")));
  origin_.Release();
  bench_.ExpectCached("a", Bytes("a"));
  bench_.ExpectCached("b", Bytes("b"));
}

TEST_F(RoomTest, AnImageLargerThanTheLimitIsRefusedBeforeItsFirstByte) {
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(kLarge - 1); });
  EXPECT_TRUE(absl::IsResourceExhausted(bench_.Pull("a")));
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(bench_.Image("a").reason(), HasSubstr("no room: needs 0.01 GB"));
  EXPECT_TRUE(origin_.pulls().empty());
}

TEST_F(RoomTest, ADiskThatWouldGetTooFullRefusesWithTheReason) {
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(1ull << 60); });
  EXPECT_TRUE(absl::IsResourceExhausted(bench_.Pull("a")));
  EXPECT_EQ(bench_.Counter("tentacle_cache_pulls_total", "no_room"), 1);
  const Answer answer = bench_.Get("a");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("no room: needs"));
  EXPECT_TRUE(origin_.pulls().empty());
  // Room again: the next demand is served.
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_min_free_bytes(0); });
  PullWhole("a");
}

TEST_F(RoomTest, ARefusalForWantOfRoomTakesNothingAwayOfWhatIsHere) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    honest.cut_after = 6 * kMib;
    if (request.number > 1) honest.status = 503;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", 6 * kMib);
  bench_.Later(limits::kTaskWants + absl::Seconds(1));
  ASSERT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_FAILED);
  origin_.OnPull(nullptr);
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(kLarge - 1); });
  EXPECT_TRUE(absl::IsResourceExhausted(bench_.Pull("a")));
  EXPECT_TRUE(fs::exists(bench_.PartPath("a")));
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(kLarge); });
  PullWhole("a");
  EXPECT_EQ(origin_.pulls().back().range, fmt::format("bytes={}-", 6 * kMib));
}

TEST_F(RoomTest, WhatIsSentIsCountedAndNotWhatWasAskedFor) {
  PullWhole("a");
  {
    Client impatient(bench_.port());
    impatient.Send("a");
    ASSERT_EQ(impatient.Head().status, 200u);
  }
  bench_.AwaitTrue([this] { return bench_.Evict("a").ok(); });
  const std::uint64_t sent = bench_.Ledger().served_bytes();
  EXPECT_LT(sent, kLarge);
  EXPECT_TRUE(bench_.Get("a").body == Bytes("a"));
  bench_.AwaitTrue([&] { return bench_.Ledger().served_bytes() >= sent + kLarge; });
  EXPECT_EQ(bench_.Ledger().served_bytes(), sent + kLarge);
}

TEST_F(RoomTest, AnIndexThatIsFullForgetsWhatIsNotHere) {
  bench_.Stop();
  {
    auto index = store::Store::Open(bench_.database());
    ASSERT_TRUE(index.ok()) << index.status();
    for (std::size_t i = 0; i < limits::kMaxImages; ++i) {
      v1::Image image;
      image.set_id(fmt::format("old-{}", i));
      image.mutable_last_used_at()->set_seconds(static_cast<std::int64_t>(i + 1));
      image.set_pinned(i == 0);
      const auto write = store::Write{"image/" + image.id(), image.SerializeAsString()};
      ASSERT_TRUE((*index)->Apply({write}, false).ok());
    }
  }
  bench_.Start();
  PullWhole("a");
  EXPECT_EQ(bench_.Image("old-0").id(), "old-0");
  EXPECT_EQ(bench_.Image("old-1").id(), "");
  EXPECT_EQ(bench_.Image("old-2").id(), "old-2");
  bench_.Stop();
  bench_.Start();
  EXPECT_EQ(bench_.Image("old-1").id(), "");
  EXPECT_EQ(bench_.Image("a").state(), IMAGE_STATE_CACHED);
}

TEST_F(RoomTest, OnlyWhatIsKnownCanBeEvicted) {
  EXPECT_TRUE(absl::IsNotFound(bench_.Evict("a").status()));
}

}  // namespace
}  // namespace tentacle::cache::testing
