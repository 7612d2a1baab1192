// Pulls against a backend that cuts, lies, stalls and redirects; a real disk and a real index.
#include <fmt/format.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
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

class PullTest : public ::testing::Test {
 protected:
  void SetUp() override { origin_.Put("img", bytes_); }

  // The first so many pulls as the script says, the others honest.
  void First(int pulls, std::function<OriginReply(OriginReply honest)> script) {
    origin_.OnPull([pulls, script](const OriginRequest& request, OriginReply honest) {
      return request.number <= pulls ? script(std::move(honest)) : honest;
    });
  }

  void ExpectCached(const std::string& bytes) {
    bench_.ExpectCached("img", bytes);
    EXPECT_TRUE(bench_.Get("img").body == bytes);
  }

  void ExpectNoFile() {
    EXPECT_FALSE(fs::exists(bench_.FinalPath("img")));
    EXPECT_FALSE(fs::exists(bench_.PartPath("img")));
  }

  std::string Etag() const { return fmt::format("\"{}\"", identity::Sha256Hex(bytes_)); }

  const std::string bytes_ = Pattern(1, kSize);
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(PullTest, AWholeImageComesInOneExchangeWithTheNodesToken) {
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  ASSERT_EQ(origin_.pulls().size(), 1u);
  EXPECT_TRUE(origin_.pulls()[0].authorization.starts_with("Bearer "));
  EXPECT_EQ(origin_.pulls()[0].range, "");
  EXPECT_EQ(bench_.Counter("tentacle_cache_pulls_total", "cached"), 1);
}

TEST_F(PullTest, ACutLineGoesOnWhereItBrokeOff) {
  First(1, [](OriginReply honest) {
    honest.cut_after = kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  ASSERT_EQ(origin_.pulls().size(), 2u);
  EXPECT_EQ(origin_.pulls()[1].range, "bytes=1048576-");
  EXPECT_EQ(origin_.pulls()[1].if_range, Etag());
  EXPECT_EQ(bench_.Counter("tentacle_cache_fetched_bytes_total"), kSize);
  EXPECT_EQ(bench_.Counter("tentacle_cache_pull_retries_total"), 1);
}

TEST_F(PullTest, OneThatIsCancelledStopsAndIsGoneOnWithLater) {
  First(1, [](OriginReply honest) {
    honest.hold_at = kMib;
    return honest;
  });
  EXPECT_TRUE(absl::IsNotFound(bench_.CancelPull("img")));
  ASSERT_TRUE(bench_.Pull("img").ok());
  origin_.AwaitHeld();
  bench_.AwaitTold("img", kMib);
  bench_.OnHome([this] { bench_.library().ReplaceNeeded({"img"}); });
  const absl::Status needed = bench_.CancelPull("img");
  EXPECT_TRUE(absl::IsFailedPrecondition(needed)) << needed;
  bench_.OnHome([this] { bench_.library().ReplaceNeeded({}); });
  EXPECT_EQ(bench_.CancelPull("img"), absl::OkStatus());
  bench_.AwaitTrue([this] { return !bench_.PullRuns("img"); });
  EXPECT_EQ(bench_.Image("img").state(), v1::IMAGE_STATE_ABSENT);
  EXPECT_TRUE(absl::IsNotFound(bench_.CancelPull("img")));
  origin_.Release();
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  ASSERT_EQ(origin_.pulls().size(), 2u);
  EXPECT_NE(origin_.pulls()[1].range, "");
}

TEST_F(PullTest, ABackendThatIgnoresTheRangeIsReadFromTheStart) {
  origin_.OnPull([this](const OriginRequest& request, OriginReply honest) {
    if (request.number == 1) {
      honest.cut_after = kMib;
      return honest;
    }
    honest.status = 200;
    honest.headers = {"ETag: " + Etag()};
    honest.body = bytes_;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  EXPECT_EQ(origin_.pulls().size(), 2u);
}

// What is wrong with the first answer; the second is honest.
struct TroubleCase {
  const char* name;
  std::function<OriginReply(OriginReply)> script;
};

OriginReply Status(unsigned status, const std::string& header = "X-Nothing: here") {
  OriginReply reply;
  reply.status = status;
  reply.headers = {header};
  reply.body = "nothing of an image";
  return reply;
}

OriginReply LoginPage(const OriginReply& honest) {
  OriginReply page;
  page.headers = {"Content-Type: text/html; charset=utf-8"};
  page.body = "<html>" + std::string(honest.body.size() - 6, 'x');
  return page;
}

OriginReply MoreThanIsSent(OriginReply honest) {
  honest.stated_length = honest.body.size();
  honest.body.resize(kMib + 1);
  return honest;
}

OriginReply NothingAtAll(OriginReply honest) {
  honest.cut_after = 0;
  return honest;
}

class TroubleTest : public PullTest, public ::testing::WithParamInterface<TroubleCase> {};

TEST_P(TroubleTest, IsTriedAgain) {
  First(1, GetParam().script);
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  EXPECT_EQ(origin_.pulls().size(), 2u);
  EXPECT_EQ(bench_.Counter("tentacle_cache_pull_retries_total"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    TroubleTest,
    ::testing::Values(
        TroubleCase{"ServerError", [](OriginReply) { return Status(500); }},
        TroubleCase{"TooManyRequests", [](OriginReply) { return Status(429); }},
        TroubleCase{"RangeNotSatisfiable", [](OriginReply) { return Status(416); }},
        TroubleCase{"LoginPage", [](const OriginReply& honest) { return LoginPage(honest); }},
        TroubleCase{"LengthLargerThanWhatComes", MoreThanIsSent},
        TroubleCase{"NothingAfterTheHead", NothingAtAll},
        TroubleCase{"RedirectToAFile",
                    [](OriginReply) { return Status(302, "Location: file:///etc/hostname"); }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(PullTest, ARedirectToAnotherHostIsNotFollowed) {
  FakeOrigin other;
  other.Put("img", bytes_);
  First(1, [&other](OriginReply) {
    return Status(307, "Location: " + other.url() + "/api/v1/tentacles/images/img/pull");
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
  EXPECT_TRUE(other.pulls().empty());
}

// What no further try can mend, and the sentence it leaves.
struct EndCase {
  const char* name;
  std::function<OriginReply(OriginReply)> script;
  const char* reason;
  const char* outcome;
  std::size_t pulls;
};

OriginReply AnotherTag(OriginReply honest) {
  honest.headers = {fmt::format("ETag: \"{}\"", std::string(64, 'b'))};
  return honest;
}

OriginReply OtherBytes(OriginReply honest) {
  honest.body.back() = static_cast<char>(honest.body.back() + 1);
  return honest;
}

OriginReply OneByteMore(OriginReply honest) {
  honest.body += "x";
  return honest;
}

OriginReply WithoutAnEnd(OriginReply honest) {
  honest.states_length = false;
  honest.body += std::string(kMib, 'x');
  return honest;
}

class EndTest : public PullTest, public ::testing::WithParamInterface<EndCase> {};

TEST_P(EndTest, FailsWithASentenceLeavesNoFileAndIsTriedAgainWhenAskedFor) {
  First(static_cast<int>(GetParam().pulls), GetParam().script);
  ASSERT_TRUE(bench_.Pull("img").ok());
  const v1::Image image = bench_.AwaitRest("img");
  EXPECT_EQ(image.state(), IMAGE_STATE_FAILED);
  EXPECT_THAT(image.reason(), HasSubstr(GetParam().reason));
  EXPECT_EQ(image.present_bytes(), 0u);
  ExpectNoFile();
  EXPECT_EQ(origin_.pulls().size(), GetParam().pulls);
  EXPECT_EQ(bench_.Counter("tentacle_cache_pulls_total", GetParam().outcome), 1);
  // A client would do it without end: not now.
  const Answer refused = bench_.Get("img");
  EXPECT_EQ(refused.status, 503u);
  EXPECT_THAT(refused.body, HasSubstr(GetParam().reason));
  EXPECT_EQ(refused.Header("Retry-After"), "5");
  EXPECT_EQ(origin_.pulls().size(), GetParam().pulls);
  // A task asks once, and gets its try.
  ASSERT_TRUE(bench_.Pull("img").ok());
  ExpectCached(bytes_);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    EndTest,
    ::testing::Values(EndCase{"NotThere", [](OriginReply) { return Status(404); }, "no such image",
                              "not_found", 1},
                      EndCase{"AnotherTag", AnotherTag, "has changed since", "failed", 1},
                      EndCase{"WrongHash", OtherBytes, "SHA-256", "wrong_hash", 2},
                      EndCase{"WithoutAnEnd", WithoutAnEnd, "more bytes than it announced",
                              "failed", 1},
                      EndCase{"AnotherLength", OneByteMore, "were announced", "failed", 1}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tentacle::cache::testing
