// The record of a machine's boot, and the sentence about where it stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/pxe/core/boot_record.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'760'000'000);

class BootRecordTest : public ::testing::Test {
 protected:
  void Note(const std::string& step, const std::string& detail, absl::Duration at, const wire::MacAddress& mac = kMac) {
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
  const auto closed = records_.Close(kMac, "the machine runs its new system", true, kStart + absl::Seconds(100));
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].Took(0), absl::Seconds(5));
  EXPECT_EQ(closed[0].Took(1), absl::Seconds(15));
  EXPECT_EQ(closed[0].Took(2), absl::Seconds(80));
  EXPECT_THAT(records_.Close(kMac, "again", true, kStart), IsEmpty());
}

TEST_F(BootRecordTest, FirmwareThatNeverCameForItsOffer) {
  Note("offer", "x64 UEFI was offered ipxe.efi", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Seconds(90)), "");
  EXPECT_THAT(VerdictAt(absl::Seconds(91)), HasSubstr("x64 UEFI was offered ipxe.efi, and the machine has not come back"));
  EXPECT_EQ(VerdictAt(absl::Seconds(200)), "");  // Said once.
}

TEST_F(BootRecordTest, TransferThatTimedOutSaysSoItself) {
  Note("tftp", "ipxe.efi timed out after block 12", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Minutes(3)), "ipxe.efi timed out after block 12");
}

TEST_F(BootRecordTest, LoaderThatDoesNotRun) {
  Note("tftp", "ipxe.efi in 0.2 s", absl::ZeroDuration());
  EXPECT_EQ(VerdictAt(absl::Minutes(3)),
            "ipxe.efi in 0.2 s, and then the machine asked for nothing more: the loader does not run on it");
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
  for (unsigned i = 0; i < 2 * BootRecords::kMaxStages; ++i) Note("downloading", std::to_string(i), absl::Seconds(i));
  EXPECT_THAT(records_.List()[0].stages, SizeIs(BootRecords::kMaxStages));
  EXPECT_EQ(records_.List()[0].stages.back().detail, std::to_string(2 * BootRecords::kMaxStages - 1));
  for (unsigned i = 0; i < 20; ++i) {
    records_.BeginAnew(kMac, kStart + absl::Hours(i + 1));
    Note("offer", "again", absl::Hours(i + 1));
  }
  EXPECT_THAT(records_.List(), SizeIs(BootRecords::kMaxBoots));
  for (unsigned i = 0; i < 2 * BootRecords::kMaxMachines; ++i) {
    const wire::MacAddress mac{{2, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    Note("offer", "one of many", absl::Hours(100) + absl::Seconds(i), mac);
  }
  EXPECT_LE(records_.List().size(), BootRecords::kMaxMachines);
}

}  // namespace
}  // namespace tentacle::pxe
