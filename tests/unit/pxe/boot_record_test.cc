// The record of a machine's boot, and the sentence about where it stopped.
#include "services/pxe/core/boot_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/pxe/boot_archive.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'760'000'000);

class BootRecordTest : public ::testing::Test {
 protected:
  void Note(const std::string& step,
            const std::string& detail,
            absl::Duration at,
            const wire::MacAddress& mac = kMac) {
    records_.Note(mac, "t1", "web-01", step, detail, kStart + at);
  }

  std::string VerdictAt(absl::Duration at) {
    const auto closed = records_.CloseSilent(kStart + at);
    return closed.empty() ? "" : closed[0].verdict;
  }

  BootRecords records_;
};

TEST_F(BootRecordTest, EachStageHasItsTime) {
  Note("offer", "x64 UEFI was offered ipxe.efi", absl::ZeroDuration());
  Note("tftp", "ipxe.efi in 0.2 s", absl::Seconds(5));
  Note("script", "iPXE fetched its script", absl::Seconds(20));
  const auto closed =
      records_.Close(kMac, "the machine runs its new system", true, kStart + absl::Seconds(100));
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].Took(0), absl::Seconds(5));
  EXPECT_EQ(closed[0].Took(1), absl::Seconds(15));
  EXPECT_EQ(closed[0].Took(2), absl::Seconds(80));
  EXPECT_THAT(records_.Close(kMac, "again", true, kStart), IsEmpty());
}

TEST_F(BootRecordTest, FirmwareThatNeverCameForItsOffer) {
  Note("offer", "x64 UEFI was offered ipxe.efi", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Seconds(90)), "");
  EXPECT_THAT(VerdictAt(absl::Seconds(91)),
              HasSubstr("x64 UEFI was offered ipxe.efi, and the machine has not come back"));
  EXPECT_EQ(VerdictAt(absl::Seconds(200)), "");  // Said once.
}

TEST_F(BootRecordTest, TransferThatTimedOutSaysSoItself) {
  Note("tftp", "ipxe.efi timed out after block 12", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Minutes(3)), "ipxe.efi timed out after block 12");
}

TEST_F(BootRecordTest, LoaderThatDoesNotRun) {
  Note("tftp", "ipxe.efi in 0.2 s", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Minutes(3)),
            "ipxe.efi in 0.2 s, and then the machine asked for nothing more: the loader does not "
            "run on it");
}

TEST_F(BootRecordTest, KernelThatDoesNotStart) {
  Note("script", "iPXE fetched its script", absl::ZeroDuration());
  EXPECT_THAT(VerdictAt(absl::Minutes(21)), HasSubstr("its installer never asked for anything"));
}

TEST_F(BootRecordTest, InstallationsHaveDeadlinesOfTheirOwn) {
  Note("downloading", "42 %", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Hours(100)), "");
}

TEST_F(BootRecordTest, MachineThatWasOnlySlowGoesOn) {
  Note("script", "iPXE fetched its script", absl::ZeroDuration());
  VerdictAt(absl::Minutes(21));
  Note("orders", "given to 192.168.10.101", absl::Minutes(22));
  ASSERT_THAT(records_.List(), SizeIs(1));
  EXPECT_EQ(records_.List()[0].verdict, "");
  EXPECT_THAT(records_.List()[0].stages, SizeIs(2));
}

TEST_F(BootRecordTest, MachineThatBeganAnewHasTwoBoots) {
  Note("offer", "one", absl::ZeroDuration());
  const auto closed = records_.BeginAnew(kMac, kStart + absl::Seconds(70));
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].verdict, "the machine started over after \"offer\": one");
  Note("offer", "two", absl::Seconds(70));
  EXPECT_THAT(records_.List(), SizeIs(2));
  EXPECT_EQ(records_.List()[0].stages[0].detail, "two");
}

TEST_F(BootRecordTest, NothingGrowsWithoutEnd) {
  for (unsigned i = 0; i < 2 * BootRecords::kMaxStages; ++i)
    Note("downloading", std::to_string(i), absl::Seconds(i));
  EXPECT_THAT(records_.List()[0].stages, SizeIs(BootRecords::kMaxStages));
  EXPECT_EQ(records_.List()[0].stages.back().detail,
            std::to_string(2 * BootRecords::kMaxStages - 1));
  for (unsigned i = 0; i < 20; ++i) {
    records_.BeginAnew(kMac, kStart + absl::Hours(i + 1));
    Note("offer", "again", absl::Hours(i + 1));
  }
  EXPECT_THAT(records_.List(), SizeIs(BootRecords::kMaxBoots));
  for (unsigned i = 0; i < 2 * BootRecords::kMaxMachines; ++i) {
    const wire::MacAddress mac{
        {2, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    Note("offer", "one of many", absl::Hours(100) + absl::Seconds(i), mac);
  }
  EXPECT_LE(records_.List().size(), BootRecords::kMaxMachines);
}

TEST_F(BootRecordTest, RecordsAreTheSameAfterTheyWereWrittenDown) {
  Note("offer", "x64 UEFI was offered ipxe.efi", absl::ZeroDuration());
  records_.BeginAnew(kMac, kStart + absl::Seconds(3));
  Note("offer", "a \"quoted\" line\nand another", absl::Seconds(4));
  Note("script", "iPXE fetched its script", absl::Milliseconds(5250));
  BootRecords again;
  again.Restore(ParseBoots(RenderBoots(records_.Of(kMac))).value());
  EXPECT_EQ(RenderBoots(again.Of(kMac)), RenderBoots(records_.Of(kMac)));
  // The open one goes on, and what had ended stays so.
  const auto closed = again.Close(kMac, "done", true, kStart + absl::Seconds(10));
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].Took(0), absl::Milliseconds(1250));
  EXPECT_THAT(again.List(), SizeIs(2));
  EXPECT_THAT(again.List()[1].verdict, HasSubstr("started over"));
}

TEST_F(BootRecordTest, WhatHasChangedIsToldOnce) {
  EXPECT_THAT(records_.TakeChanged(), IsEmpty());
  Note("offer", "x64 UEFI was offered ipxe.efi", absl::ZeroDuration());
  EXPECT_THAT(records_.TakeChanged(), ElementsAre(kMac));
  EXPECT_THAT(records_.TakeChanged(), IsEmpty());
  VerdictAt(absl::Minutes(10));
  EXPECT_THAT(records_.TakeChanged(), ElementsAre(kMac));
}

TEST(BootRecordText, OfAnotherShapeIsRefused) {
  const std::string good =
      R"([{"mac":"52:54:00:65:d5:42","task":"t1","hostname":"a","verdict":"","complete":false,)"
      R"("stages":[{"at":1,"step":"offer","detail":"x"}]}])";
  ASSERT_TRUE(ParseBoots(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(ParseBoots(good.substr(0, size)).ok()) << size;
  for (const char* bad : {"{}", "[1]", "[{}]", R"([{"mac":5}])"})
    EXPECT_FALSE(ParseBoots(bad).ok()) << bad;
  std::string none = good;
  none.replace(none.find(R"({"at")"), std::string(R"({"at":1,"step":"offer","detail":"x"})").size(),
               "");
  EXPECT_FALSE(ParseBoots(none).ok());
}

}  // namespace
}  // namespace tentacle::pxe
