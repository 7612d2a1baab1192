#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cache/core/eviction.h"
#include "services/cache/core/image_name.h"
#include "services/cache/core/image_state.h"
#include "services/cache/core/range_reply.h"
#include "tests/support/env_number.h"

namespace tentacle::cache {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kGb = 1'000'000'000;

absl::Time At(int seconds) {
  return absl::FromUnixSeconds(seconds);
}

// Every pair of state and event: what moves, and that nothing else does.
TEST(ImageState, WholeMatrix) {
  std::string matrix;
  for (int state = v1::IMAGE_STATE_ABSENT; state <= v1::IMAGE_STATE_FAILED; ++state) {
    for (int event = 0; event < kImageEvents; ++event) {
      const auto next = After(static_cast<ImageState>(state), static_cast<ImageEvent>(event));
      if (!next) continue;
      matrix += std::string(ImageStateName(static_cast<ImageState>(state))) + " " +
                std::string(ImageEventName(static_cast<ImageEvent>(event))) + " " +
                std::string(ImageStateName(*next)) + "\n";
    }
  }
  EXPECT_EQ(matrix,
            "absent demanded pulling\n"
            "pulling bytes-complete verifying\n"
            "pulling gave-up failed\n"
            "pulling withdrawn absent\n"
            "verifying hash-right cached\n"
            "verifying hash-wrong pulling\n"
            "verifying gave-up failed\n"
            "verifying withdrawn absent\n"
            "cached evicted absent\n"
            "cached doubted absent\n"
            "failed demanded pulling\n"
            "failed evicted absent\n");
}

TEST(Eviction, NothingGoesWhileThereIsRoom) {
  EXPECT_THAT(*PlanEviction({{"a", kGb, At(1), ""}}, {10 * kGb, 100 * kGb, kGb}, kGb), IsEmpty());
}

TEST(Eviction, LeastRecentlyUsedGoFirstAndNoMoreThanNeeded) {
  const std::vector<Resident> residents = {
      {"new", 3 * kGb, At(30), ""}, {"old", 3 * kGb, At(10), ""}, {"mid", 3 * kGb, At(20), ""}};
  EXPECT_THAT(*PlanEviction(residents, {10 * kGb, 100 * kGb, kGb}, 4 * kGb), ElementsAre("old"));
  EXPECT_THAT(*PlanEviction(residents, {10 * kGb, 100 * kGb, kGb}, 7 * kGb),
              ElementsAre("old", "mid"));
}

TEST(Eviction, WhatIsInUseStays) {
  const std::vector<Resident> residents = {{"old", 3 * kGb, At(10), "pinned"},
                                           {"new", 3 * kGb, At(20), ""}};
  EXPECT_THAT(*PlanEviction(residents, {6 * kGb, 100 * kGb, kGb}, 2 * kGb), ElementsAre("new"));
}

TEST(Eviction, TheDisksFreeSpaceCountsToo) {
  EXPECT_THAT(*PlanEviction({{"a", 3 * kGb, At(1), ""}}, {100 * kGb, 2 * kGb, kGb}, 2 * kGb),
              ElementsAre("a"));
}

TEST(Eviction, ARefusalSaysWhatIsNeededAndWhatCouldBeFreed) {
  const auto plan = PlanEviction({{"a", 3 * kGb, At(1), ""}}, {5 * kGb, 100 * kGb, kGb}, 6 * kGb);
  EXPECT_TRUE(absl::IsResourceExhausted(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("needs 6.00 GB"));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("3.00 GB can be freed"));
}

TEST(Eviction, ARefusalSaysWhatStaysAndWhy) {
  const auto plan = PlanEviction({{"a", 3 * kGb, At(1), "pinned"},
                                  {"b", kGb, At(2), "needed by a task"},
                                  {"c", kGb, At(3), "pinned"}},
                                 {6 * kGb, 100 * kGb, kGb}, 2 * kGb);
  EXPECT_THAT(
      std::string(plan.status().message()),
      AllOf(HasSubstr("4.00 GB stay: pinned"), HasSubstr("1.00 GB stay: needed by a task")));
}

TEST(Eviction, ARefusalSaysWhichLimitItIs) {
  const Room small_cache{6 * kGb, 100 * kGb, kGb};
  EXPECT_THAT(std::string(PlanEviction({}, small_cache, 7 * kGb).status().message()),
              HasSubstr("(limit 6.00 GB)"));
  const Room full_disk{100 * kGb, 3 * kGb, 2 * kGb};
  EXPECT_THAT(std::string(PlanEviction({}, full_disk, 7 * kGb).status().message()),
              HasSubstr("needs 7.00 GB, 1.00 GB are free for it and 0.00 GB can be freed (the disk "
                        "has 3.00 GB, of which 2.00 GB are to stay free)"));
}

// Bar E5: operations beside a model that takes the oldest one by one; a hundred thousand in
// `scripts/test.sh long`.
TEST(Eviction, IsThatOfAModelWhateverHappens) {
  const long operations = tentacle::testing::EnvNumber("CACHE_OPERATIONS", 20'000);
  constexpr std::uint64_t kMax = 1'000;
  std::mt19937_64 random(5);
  const auto below = [&random](std::uint64_t n) { return random() % n; };
  std::map<std::string, Resident> here;
  for (int i = 1; i <= operations && !HasFailure(); ++i) {
    const std::string id = std::to_string(below(60));
    const auto at = here.find(id);
    if (at != here.end()) {
      at->second.last_used = At(i);
      at->second.kept_for = below(4) == 0 ? "pinned" : "";
      if (below(20) == 0) here.erase(at);
      continue;
    }
    const std::uint64_t bytes = 1 + below(kMax / 5);
    std::vector<Resident> residents;
    std::uint64_t used = 0;
    for (const auto& [name, one] : here) {
      residents.push_back(one);
      used += one.bytes;
    }
    const auto plan = PlanEviction(residents, {kMax, 1 << 20, 0}, bytes);
    // The model: the oldest that may go, until it fits or nobody is left.
    std::vector<std::string> goes;
    auto left = here;
    while (used + bytes > kMax) {
      auto oldest = left.end();
      for (auto one = left.begin(); one != left.end(); ++one) {
        const bool may_go = one->second.kept_for.empty();
        if (may_go && (oldest == left.end() || one->second.last_used < oldest->second.last_used))
          oldest = one;
      }
      if (oldest == left.end()) break;
      used -= oldest->second.bytes;
      goes.push_back(oldest->first);
      left.erase(oldest);
    }
    const bool fits = used + bytes <= kMax;
    ASSERT_EQ(plan.ok(), fits) << "operation " << i << ": " << plan.status();
    if (!fits) continue;
    ASSERT_EQ(*plan, goes) << "operation " << i;
    here = std::move(left);
    here[id] = {id, bytes, At(i), ""};
  }
}

TEST(ImageName, NoIdLeavesTheFolder) {
  for (const char* id : {"", "../../etc/passwd", "a/b", "..", ".hidden", "a b", "a\nb", "a%2fb"}) {
    EXPECT_FALSE(IsAcceptableId(id)) << id;
  }
  EXPECT_FALSE(IsAcceptableId(std::string(129, 'a')));
  EXPECT_TRUE(IsAcceptableId("3f2a-win_2025.1"));
  EXPECT_EQ(FileNameOf("../x").find('/'), std::string::npos);
  EXPECT_NE(FileNameOf("1"), FileNameOf("2"));
}

const std::string kHash(64, 'a');

struct ReplyCase {
  const char* name;
  std::uint64_t offset;
  unsigned status;
  const char* content_range;
  const char* content_length;
  const char* etag;
  const char* content_type;
  PullVerdict verdict;
};

class ReplyTest : public ::testing::TestWithParam<ReplyCase> {};

TEST_P(ReplyTest, IsJudged) {
  const ReplyCase& c = GetParam();
  const PullQuestion question{c.offset, 200, 200, kHash};
  const std::string etag = std::string(c.etag) == "ours" ? "\"" + kHash + "\"" : c.etag;
  const PullJudgement judged =
      JudgeAnswer(question, {c.status, c.content_range, c.content_length, etag, c.content_type});
  EXPECT_EQ(judged.verdict, c.verdict) << judged.reason;
  const bool usable = c.verdict == PullVerdict::kAppend ||
                      (c.verdict == PullVerdict::kFromStart && c.status == 200);
  EXPECT_EQ(judged.reason.empty(), usable) << judged.reason;
}

constexpr char kOther[] = "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"";

INSTANTIATE_TEST_SUITE_P(
    Cases,
    ReplyTest,
    ::testing::Values(
        ReplyCase{"Whole", 0, 200, "", "200", "ours", "", PullVerdict::kFromStart},
        ReplyCase{"Continues", 100, 206, "bytes 100-199/200", "100", "ours", "",
                  PullVerdict::kAppend},
        ReplyCase{"RangeIgnored", 100, 200, "", "200", "ours", "", PullVerdict::kFromStart},
        ReplyCase{"AnotherRange", 100, 206, "bytes 0-199/200", "200", "ours", "",
                  PullVerdict::kRetry},
        ReplyCase{"ShorterThanHere", 100, 416, "", "", "", "", PullVerdict::kFromStart},
        ReplyCase{"NotThere", 0, 404, "", "", "", "", PullVerdict::kGiveUp},
        ReplyCase{"ServerError", 0, 500, "", "", "", "", PullVerdict::kRetry},
        ReplyCase{"CaptivePortal", 0, 200, "", "200", "", "text/html; charset=utf-8",
                  PullVerdict::kRetry},
        ReplyCase{"AnotherLength", 0, 200, "", "300", "", "", PullVerdict::kGiveUp},
        ReplyCase{"AnotherImage", 0, 200, "", "200", kOther, "", PullVerdict::kGiveUp},
        ReplyCase{"TagOfAnotherKind", 0, 200, "", "200", "W/\"17\"", "", PullVerdict::kFromStart}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tentacle::cache
