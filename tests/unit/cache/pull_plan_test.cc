// What a pull fetches next, as a function of what is here and who waits.
#include "services/cache/core/pull_plan.h"

#include <gtest/gtest.h>

namespace tentacle::cache {
namespace {

constexpr std::uint64_t kChunk = 100;

chunks::ChunkList ListOf(std::size_t count) {
  chunks::ChunkList list;
  for (std::size_t i = 0; i < count; ++i)
    list.chunks.push_back({i * kChunk, kChunk, {}});
  return list;
}

class PullPlanTest : public ::testing::Test {
 protected:
  NextFetch Plan(std::vector<std::uint64_t> wants, std::size_t at = 0) const {
    return PlanFetch(list_, map_, wants, at, 3 * kChunk);
  }

  void Expect(const NextFetch& next, std::size_t first, std::size_t count, bool urgent) const {
    EXPECT_EQ(next.run.first, first);
    EXPECT_EQ(next.run.count, count);
    EXPECT_EQ(next.urgent, urgent);
  }

  const chunks::ChunkList list_ = ListOf(200);
  ChunkMap map_{200};
};

TEST_F(PullPlanTest, WithoutClientsEverythingComesInOneRun) {
  Expect(Plan({}), 0, 200, false);
}

TEST_F(PullPlanTest, WhatIsHereIsLeftOut) {
  for (const std::size_t chunk : {0u, 1u, 70u, 128u})
    map_.Mark(chunk);
  Expect(Plan({}), 2, 68, false);
  Expect(Plan({}, 71), 71, 57, false);
  Expect(Plan({}, 130), 130, 70, false);
}

TEST_F(PullPlanTest, BehindTheEndItBeginsAgainAtTheFront) {
  for (std::size_t chunk = 100; chunk < 200; ++chunk)
    map_.Mark(chunk);
  Expect(Plan({}, 100), 0, 100, false);
  Expect(Plan({}, 200), 0, 100, false);
}

TEST_F(PullPlanTest, AClientElsewhereComesFirstForAShortWhile) {
  Expect(Plan({150 * kChunk + 5}), 150, 3, true);
  map_.Mark(151);
  Expect(Plan({150 * kChunk + 5}), 150, 1, true);
}

TEST_F(PullPlanTest, WhoAskedFirstComesFirst) {
  Expect(Plan({90 * kChunk, 150 * kChunk}), 90, 3, true);
}

TEST_F(PullPlanTest, AClientWhoseChunkIsHereOrWhoAsksBehindTheEndDoesNotCount) {
  map_.Mark(150);
  Expect(Plan({150 * kChunk, 200 * kChunk, ~std::uint64_t{0}}), 0, 150, false);
}

TEST_F(PullPlanTest, AClientWhereThePullStandsAnywayChangesNothing) {
  Expect(Plan({7}, 0), 0, 200, false);
}

TEST_F(PullPlanTest, WhenEverythingIsHereThereIsNothingToFetch) {
  map_.MarkAll();
  EXPECT_EQ(Plan({5}).run.count, 0u);
}

TEST_F(PullPlanTest, OnlyWhoIsOutOfReachInterrupts) {
  const auto elsewhere = [&](std::vector<std::uint64_t> wants) {
    return WantedElsewhere(list_, map_, wants, 50, 10 * kChunk);
  };
  EXPECT_FALSE(elsewhere({}));
  EXPECT_FALSE(elsewhere({50 * kChunk, 60 * kChunk}));
  EXPECT_TRUE(elsewhere({50 * kChunk, 60 * kChunk + 1}));
  EXPECT_TRUE(elsewhere({49 * kChunk}));
  map_.Mark(49);
  EXPECT_FALSE(elsewhere({49 * kChunk}));
}

TEST_F(PullPlanTest, AChunkThatIsHereIsFoundByAnyByteOfIt) {
  map_.Mark(7);
  EXPECT_TRUE(AnyIsHere(list_, map_, 7 * kChunk, 7 * kChunk + 1));
  EXPECT_TRUE(AnyIsHere(list_, map_, 8 * kChunk - 1, 9 * kChunk));
  EXPECT_TRUE(AnyIsHere(list_, map_, 5 * kChunk, 7 * kChunk + 1));
  EXPECT_FALSE(AnyIsHere(list_, map_, 5 * kChunk, 7 * kChunk));
  EXPECT_FALSE(AnyIsHere(list_, map_, 8 * kChunk, 300 * kChunk));
}

TEST(ChunkMap, FindsWhatIsMissingAndWhatIsHereAcrossWords) {
  for (const std::size_t count : {1u, 63u, 64u, 65u, 200u}) {
    ChunkMap map(count);
    EXPECT_EQ(map.FirstMissing(0), 0u);
    EXPECT_EQ(map.FirstPresent(0), count);
    map.Mark(count - 1);
    EXPECT_EQ(map.FirstPresent(0), count - 1);
    EXPECT_TRUE(map.Has(count - 1));
    map.MarkAll();
    EXPECT_EQ(map.FirstMissing(0), count);
    map.Unmark(count / 2);
    EXPECT_EQ(map.FirstMissing(0), count / 2);
  }
}

}  // namespace
}  // namespace tentacle::cache
