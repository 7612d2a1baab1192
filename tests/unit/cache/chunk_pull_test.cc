// Pulls by chunks: what counts, what is fetched again, what is never fetched.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

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

constexpr std::size_t kMib = 1 << 20;
constexpr std::size_t kSize = 3 * kMib + 11;

chunks::ChunkList ListOf(const std::string& bytes) {
  chunks::ListBuilder builder;
  builder.Add(bytes);
  return builder.Finish().value();
}

class ChunkPullTest : public ::testing::Test {
 protected:
  void SetUp() override { origin_.PutChunked("img", bytes_); }

  // The first so many pulls as the script says, the others honest.
  void First(int pulls, std::function<OriginReply(OriginReply honest)> script) {
    origin_.OnPull([pulls, script](const OriginRequest& request, OriginReply honest) {
      return request.number <= pulls ? script(std::move(honest)) : honest;
    });
  }

  void ExpectCached(const std::string& id, const std::string& bytes) {
    bench_.ExpectCached(id, bytes);
    EXPECT_TRUE(bench_.Get(id).body == bytes);
  }

  std::string RangeOf(std::size_t chunk) const {
    return fmt::format("bytes={}-{}", list_.chunks[chunk].offset, list_.chunks[chunk].end() - 1);
  }

  const std::string bytes_ = Pattern(1, kSize);
  const chunks::ChunkList list_ = ListOf(bytes_);
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(ChunkPullTest, AWholeImageComesInOneExchangeAfterOneForItsList) {
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached("img", bytes_);
  ASSERT_EQ(origin_.pulls().size(), 1u);
  EXPECT_EQ(origin_.pulls()[0].range, "");
  EXPECT_EQ(origin_.lists(), 1);
  EXPECT_EQ(bench_.Counter("tentacle_cache_fetched_bytes_total"), kSize + origin_.ListBytes("img"));
}

TEST_F(ChunkPullTest, AfterACutOnlyTheChunkThatWasBegunIsFetchedAgain) {
  First(8, [](OriginReply honest) {
    honest.cut_after = 300'000;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 9u);
  EXPECT_LE(origin_.sent(), kSize + 8 * chunks::kChunkSizes.max);
}

TEST_F(ChunkPullTest, AWrongChunkIsFetchedAgainAlone) {
  const std::size_t wrong = list_.chunks.size() / 2;
  First(1, [&](OriginReply honest) {
    honest.body[list_.chunks[wrong].offset] ^= 1;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached("img", bytes_);
  ASSERT_EQ(origin_.pulls().size(), 2u);
  EXPECT_EQ(origin_.pulls()[1].range, RangeOf(wrong));
  EXPECT_EQ(bench_.Counter("tentacle_cache_wrong_chunks_total", "backend"), 1);
}

TEST_F(ChunkPullTest, AChunkThatIsAlwaysWrongEndsThePullWithASentence) {
  origin_.OnPull([this](const OriginRequest& request, OriginReply honest) {
    if (request.range.empty()) honest.body[list_.chunks[3].offset] ^= 1;
    if (request.range == RangeOf(3)) honest.body[0] ^= 1;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(bench_.Image("img").reason(), HasSubstr("chunk 3 is wrong"));
  EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
  EXPECT_EQ(bench_.Image("img").present_bytes(), 0u);
}

TEST_F(ChunkPullTest, AFileThatWasExchangedAtTheBackendIsGivenUp) {
  First(1, [](OriginReply honest) {
    honest.cut_after = kMib;
    return honest;
  });
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number == 1) {
      honest.cut_after = kMib;
    } else {
      honest.body = Pattern(2, honest.body.size());
    }
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(bench_.Image("img").reason(), HasSubstr("is wrong"));
}

TEST_F(ChunkPullTest, ABackendThatIgnoresRangesIsReadOver) {
  origin_.OnPull([this](const OriginRequest& request, OriginReply honest) {
    if (request.number == 1) honest.cut_after = kMib;
    if (!request.range.empty()) {
      honest.status = 200;
      honest.headers = {"Content-Type: application/octet-stream"};
      honest.body = bytes_;
    }
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 2u);
}

// Looking through what is here is no sign of life from the line.
TEST_F(ChunkPullTest, WhileTheBackendIsAwayNoByteCounts) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    honest.cut_after = 2 * kMib;
    if (request.number > 1) honest.status = 503;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  const auto last_byte_after = [this](int retries) {
    bench_.AwaitTrue([&] { return bench_.Counter("tentacle_cache_pull_retries_total") > retries; });
    return bench_.OnHome([this] { return bench_.library().entries().at("img")->last_byte; });
  };
  const auto last_byte = last_byte_after(limits::kFruitlessTries);
  EXPECT_EQ(last_byte_after(3 * limits::kFruitlessTries), last_byte);
  ASSERT_TRUE(bench_.CancelPull("img").ok());
}

TEST_F(ChunkPullTest, AStopInMidPullLosesNoChunk) {
  First(1, [](OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", 2 * kMib);
  bench_.Stop();
  origin_.Release();
  bench_.Start();
  ExpectCached("img", bytes_);
  ASSERT_EQ(origin_.pulls().size(), 2u);
  const auto from = std::stoul(origin_.pulls()[1].range.substr(6));
  EXPECT_GE(from, 2 * kMib - chunks::kChunkSizes.max);
  EXPECT_EQ(origin_.lists(), 1);
}

TEST_F(ChunkPullTest, WhatTheDiskGotWrongMeanwhileIsFetchedAgainAlone) {
  First(1, [](OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", 2 * kMib);
  bench_.Stop();
  origin_.Release();
  std::fstream(bench_.PartPath("img"), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(list_.chunks[2].offset))
      .write("wrong", 5);
  bench_.Start();
  ExpectCached("img", bytes_);
  ASSERT_EQ(origin_.pulls().size(), 3u);
  EXPECT_EQ(origin_.pulls()[1].range, RangeOf(2));
}

TEST_F(ChunkPullTest, ZerosAreNeitherFetchedNorWritten) {
  const std::string bytes = Pattern(3, kMib) + std::string(8 * kMib, '\0') + Pattern(4, kMib);
  origin_.PutChunked("sparse", bytes);
  ASSERT_TRUE(bench_.Pull("sparse").ok());
  ExpectCached("sparse", bytes);
  EXPECT_LE(origin_.sent(), 2 * kMib + 2 * chunks::kChunkSizes.max);
}

TEST_F(ChunkPullTest, WhatAnImageHasTwiceIsFetchedOnce) {
  const std::string twin = Pattern(5, 2 * kMib);
  origin_.PutChunked("twins", twin + Pattern(6, kMib) + twin);
  ASSERT_TRUE(bench_.Pull("twins").ok());
  ExpectCached("twins", twin + Pattern(6, kMib) + twin);
  EXPECT_LE(origin_.sent(), 3 * kMib + 4 * chunks::kChunkSizes.max);
}

TEST_F(ChunkPullTest, ANewVersionCostsWhatIsNewInIt) {
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitState("img", IMAGE_STATE_CACHED);
  const std::uint64_t before = origin_.sent();
  const std::string next = bytes_.substr(0, kMib) + "new in the second version" +
                           bytes_.substr(kMib + 5, kMib) + Pattern(7, 50'000) +
                           bytes_.substr(2 * kMib);
  origin_.PutChunked("next", next);
  ASSERT_TRUE(bench_.Pull("next").ok());
  ExpectCached("next", next);
  EXPECT_LE(origin_.sent() - before, 6 * chunks::kChunkSizes.max);
  EXPECT_GE(bench_.Counter("tentacle_cache_found_bytes_total", "local"), 2 * kMib);
  EXPECT_GE(bench_.Ledger().local_bytes(), 2 * kMib);
}

TEST_F(ChunkPullTest, ACopyFromAnImageThatHasRottenIsNotBelievedAndTheImageIsRepaired) {
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitState("img", IMAGE_STATE_CACHED);
  std::fstream(bench_.FinalPath("img"), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(list_.chunks[1].offset))
      .write("rotten", 6);
  const std::string next = bytes_ + Pattern(8, kMib);
  origin_.PutChunked("next", next);
  ASSERT_TRUE(bench_.Pull("next").ok());
  ExpectCached("next", next);
  ExpectCached("img", bytes_);
  EXPECT_EQ(bench_.Counter("tentacle_cache_doubts_total"), 1);
}

// Each chunk was checked: nobody waits for the rest of the image.
TEST_F(ChunkPullTest, AnAnswerOfCheckedChunksIsWholeWhileThePullStillRuns) {
  First(1, [](OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", 2 * kMib);
  EXPECT_TRUE(bench_.Get("img", "Range: bytes=0-999999\r\n").body == bytes_.substr(0, 1'000'000));
  origin_.Release();
  ExpectCached("img", bytes_);
}

TEST_F(ChunkPullTest, WhatAClientIsAboutToReadIsFetchedFirst) {
  const std::string bytes = Pattern(9, 14 * kMib);
  origin_.PutChunked("long", bytes);
  First(1, [](OriginReply honest) {
    honest.hold_at = kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("long").ok());
  bench_.AwaitTold("long", kMib);
  Client client(bench_.port());
  client.Send("long", "Range: bytes=12000000-12000999\r\n");
  EXPECT_EQ(client.Head().status, 206u);
  origin_.Release();
  EXPECT_TRUE(client.Read(1000) == bytes.substr(12'000'000, 1000));
  ExpectCached("long", bytes);
  ASSERT_GE(origin_.pulls().size(), 2u);
  const auto from = std::stoul(origin_.pulls()[1].range.substr(6));
  EXPECT_LE(from, 12'000'000u);
  EXPECT_GE(from, 12'000'000u - chunks::kChunkSizes.max);
}

TEST_F(ChunkPullTest, ABackendThatPacksSendsLess) {
  std::string bytes;
  for (int line = 0; bytes.size() < 2 * kMib; ++line)
    bytes += fmt::format("line {} of a text that packs well\n", line);
  origin_.PutChunked("text", bytes);
  origin_.PackBytes();
  ASSERT_TRUE(bench_.Pull("text").ok());
  ExpectCached("text", bytes);
  EXPECT_TRUE(origin_.pulls().empty());
  EXPECT_LT(origin_.sent(), bytes.size() / 3);
  EXPECT_EQ(bench_.Counter("tentacle_cache_fetched_bytes_total"),
            static_cast<double>(origin_.sent() + origin_.ListBytes("text")));
}

struct ListCase {
  const char* name;
  std::function<OriginReply(OriginReply honest)> script;
};

class NoListTest : public ChunkPullTest, public ::testing::WithParamInterface<ListCase> {};

TEST_P(NoListTest, TheImageIsPulledAllTheSame) {
  origin_.OnChunks([](const OriginRequest&, OriginReply honest) {
    return GetParam().script(std::move(honest));
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Lists,
                         NoListTest,
                         ::testing::Values(ListCase{"Unknown",
                                                    [](OriginReply r) {
                                                      r.status = 404;
                                                      return r;
                                                    }},
                                           ListCase{"Forbidden",
                                                    [](OriginReply r) {
                                                      r.status = 403;
                                                      return r;
                                                    }},
                                           ListCase{"Broken",
                                                    [](OriginReply r) {
                                                      r.status = 500;
                                                      return r;
                                                    }},
                                           ListCase{"AWebPage",
                                                    [](OriginReply r) {
                                                      r.body = "<html>Please sign in</html>";
                                                      return r;
                                                    }},
                                           ListCase{"Empty",
                                                    [](OriginReply r) {
                                                      r.body.clear();
                                                      return r;
                                                    }},
                                           ListCase{"Damaged",
                                                    [](OriginReply r) {
                                                      r.body[100] ^= 1;
                                                      return r;
                                                    }},
                                           ListCase{"TooLong",
                                                    [](OriginReply r) {
                                                      r.body.append(10 * kMib, 'x');
                                                      return r;
                                                    }},
                                           ListCase{"OfAnotherImage",
                                                    [](OriginReply r) {
                                                      r.body =
                                                          chunks::Encode(ListOf(Pattern(9, kSize)));
                                                      return r;
                                                    }},
                                           ListCase{"OfAnotherSize",
                                                    [](OriginReply r) {
                                                      r.body = chunks::Encode(
                                                          ListOf(Pattern(1, kSize - 1)));
                                                      return r;
                                                    }},
                                           ListCase{"ElsewhereOnTheNet",
                                                    [](OriginReply r) {
                                                      r.status = 302;
                                                      r.headers = {"Location: file:///etc/passwd"};
                                                      return r;
                                                    }}),
                         [](const auto& test) { return std::string(test.param.name); });

// A list that is right in itself and wrong about the image.
TEST_F(ChunkPullTest, AListThatLiesNeverMakesAnImage) {
  origin_.OnChunks([this](const OriginRequest&, OriginReply honest) {
    chunks::ChunkList lie = ListOf(Pattern(2, kSize));
    lie.whole = list_.whole;
    honest.body = chunks::Encode(lie);
    return honest;
  });
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.body = Pattern(2, kSize);
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  Client client(bench_.port());
  client.Send("img");
  Answer answer = client.Head();
  answer.body = client.Read(answer.stated);
  EXPECT_FALSE(answer.status == 200 && answer.whole());
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_FAILED);
}

}  // namespace
}  // namespace tentacle::cache::testing
