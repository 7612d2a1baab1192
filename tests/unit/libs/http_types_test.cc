#include "libs/net/http_types.h"

#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::net {
namespace {

struct RangeCase {
  const char* name;
  const char* header;
  std::uint64_t size;
  RangeVerdict verdict;
  std::uint64_t first;
  std::uint64_t length;
};

class RangeTest : public ::testing::TestWithParam<RangeCase> {};

TEST_P(RangeTest, IsReadAsRfc9110Says) {
  const RangeCase& c = GetParam();
  ByteRange range;
  EXPECT_EQ(ParseRange(c.header, c.size, &range), c.verdict);
  if (c.verdict == RangeVerdict::kUnsatisfiable) return;
  EXPECT_EQ(range.first, c.first);
  EXPECT_EQ(range.length, c.length);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    RangeTest,
    ::testing::Values(
        RangeCase{"None", "", 10, RangeVerdict::kWhole, 0, 10},
        RangeCase{"FromTo", "bytes=2-4", 10, RangeVerdict::kPart, 2, 3},
        RangeCase{"FromOn", "bytes=2-", 10, RangeVerdict::kPart, 2, 8},
        RangeCase{"BeyondTheEnd", "bytes=2-99", 10, RangeVerdict::kPart, 2, 8},
        RangeCase{"LastBytes", "bytes=-3", 10, RangeVerdict::kPart, 7, 3},
        RangeCase{"MoreLastBytesThanThereAre", "bytes=-30", 10, RangeVerdict::kPart, 0, 10},
        RangeCase{"BehindTheEnd", "bytes=10-", 10, RangeVerdict::kUnsatisfiable, 0, 0},
        RangeCase{"NoLastBytes", "bytes=-0", 10, RangeVerdict::kUnsatisfiable, 0, 0},
        RangeCase{"EmptyFile", "bytes=0-", 0, RangeVerdict::kUnsatisfiable, 0, 0},
        RangeCase{"Backwards", "bytes=4-2", 10, RangeVerdict::kWhole, 0, 10},
        RangeCase{"TwoRanges", "bytes=0-1,3-4", 10, RangeVerdict::kWhole, 0, 10},
        RangeCase{"OtherUnit", "lines=0-1", 10, RangeVerdict::kWhole, 0, 10},
        RangeCase{"NoNumber", "bytes=a-b", 10, RangeVerdict::kWhole, 0, 10},
        RangeCase{"Overflow", "bytes=99999999999999999999-", 10, RangeVerdict::kUnsatisfiable, 0,
                  0},
        RangeCase{"OverflowOfTheEnd", "bytes=2-99999999999999999999", 10, RangeVerdict::kPart, 2,
                  8},
        RangeCase{"Sign", "bytes=+2-4", 10, RangeVerdict::kWhole, 0, 10}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Problem, EscapesItsDetail) {
  const HttpReply reply = ProblemReply(404, "no \"image\" <b>");
  EXPECT_EQ(reply.status, 404u);
  EXPECT_NE(reply.body.find(R"(no \"image\" <b>)"), std::string::npos);
}

TEST(FileSpan, TellsMissingFromNotAFile) {
  EXPECT_TRUE(absl::IsNotFound(OpenFileSpan("/nonexistent/x").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenFileSpan("/tmp").status()));
}

TEST(FileSpan, BelowAFolderNoLinkIsFollowed) {
  const TempDir temp;
  std::filesystem::create_directories(temp / "in/deep");
  std::ofstream(temp / "in/deep/file") << "text";
  std::ofstream(temp / "out") << "secret";
  std::filesystem::create_symlink("deep/file", temp / "in/link");
  std::filesystem::create_symlink("../out", temp / "in/way");
  const auto span = OpenFileSpanBelow(temp / "in", "deep/file");
  ASSERT_TRUE(span.ok()) << span.status();
  EXPECT_EQ(span->length, 4u);
  for (const char* name : {"link", "way", "../out"})
    EXPECT_TRUE(absl::IsPermissionDenied(OpenFileSpanBelow(temp / "in", name).status())) << name;
  EXPECT_TRUE(absl::IsNotFound(OpenFileSpanBelow(temp / "in", "absent").status()));
  EXPECT_TRUE(absl::IsNotFound(OpenFileSpanBelow(temp / "nowhere", "file").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenFileSpanBelow(temp / "in", "deep").status()));
}

TEST(FileSpan, AFifoHoldsNobody) {
  const TempDir temp;
  ASSERT_EQ(::mkfifo((temp / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenFileSpan(temp / "fifo").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenFileSpanBelow(temp.path(), "fifo").status()));
}

}  // namespace
}  // namespace tentacle::net
