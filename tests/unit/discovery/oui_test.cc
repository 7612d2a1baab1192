#include "services/discovery/core/oui.h"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

std::string Vendor(std::array<std::uint8_t, 6> octets) {
  wire::MacAddress mac;
  mac.octets = octets;
  return std::string(VendorOf(mac));
}

TEST(Oui, TwentyFourBitsNameTheVendor) {
  EXPECT_THAT(Vendor({0x00, 0x0c, 0x29, 1, 2, 3}), StartsWith("VMware"));
  EXPECT_THAT(Vendor({0x00, 0x15, 0x5d, 1, 2, 3}), StartsWith("Microsoft"));
}

TEST(Oui, TheFirstAndTheLastRecordAreFound) {
  EXPECT_THAT(Vendor({0x00, 0x00, 0x00, 1, 2, 3}), StartsWith("XEROX"));
  EXPECT_THAT(Vendor({0xfc, 0xfe, 0xc2, 1, 2, 3}), StartsWith("Invensys"));
}

TEST(Oui, TwentyEightBitsNameTheHolderOfTheBlock) {
  EXPECT_EQ(Vendor({0x20, 0x85, 0x93, 0xb1, 2, 3}), "IOG Products LLC");
}

TEST(Oui, ThirtySixBitsNameTheHolderOfTheBlock) {
  EXPECT_EQ(Vendor({0x70, 0xb3, 0xd5, 0xf2, 0xf1, 3}), "TELEPLATFORMS");
  EXPECT_EQ(Vendor({0x70, 0xb3, 0xd5, 0x71, 0x91, 3}), "2M Technology");
}

TEST(Oui, AVendorOfThisDecadeIsKnown) {
  EXPECT_THAT(Vendor({0x2c, 0xcf, 0x67, 1, 2, 3}), StartsWith("Raspberry Pi"));  // Given in 2023.
}

TEST(Oui, AnOlderIndividualBlockCounts) {
  EXPECT_THAT(Vendor({0x00, 0x50, 0xc2, 0x7d, 0x51, 3}), StartsWith("DEUTA"));
}

TEST(Oui, TheRegistryItselfIsNoVendor) {
  // 20:85:93 is the IEEE's, cut into blocks of 28 bits; 0xf is not given to anybody.
  EXPECT_EQ(Vendor({0x20, 0x85, 0x93, 0xf0, 2, 3}), "");
}

TEST(Oui, AMadeUpAddressHasNoVendor) {
  EXPECT_EQ(Vendor({0x02, 0x0c, 0x29, 1, 2, 3}), "");  // VMware's with the local bit.
  EXPECT_EQ(Vendor({0x52, 0x54, 0x00, 1, 2, 3}), "");
}

TEST(Oui, AnUnknownPrefixHasNoVendor) {
  EXPECT_EQ(Vendor({0xfc, 0xff, 0xff, 1, 2, 3}), "");
}

TEST(Oui, TheDateOfTheRegistriesIsADay) {
  EXPECT_THAT(std::string(OuiDate()), MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]"));
}

}  // namespace
}  // namespace tentacle::discovery
