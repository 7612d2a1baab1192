// MAC addresses, Ethernet frames, ARP and the magic packet.
#include <gtest/gtest.h>

#include "libs/wire/arp.h"
#include "libs/wire/ethernet.h"
#include "libs/wire/mac_address.h"
#include "libs/wire/wake_on_lan.h"
#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using tentacle::testing::FromHex;

constexpr MacAddress kOurs{{0x52, 0x54, 0x00, 0x65, 0xd5, 0x42}};
constexpr MacAddress kTheirs{{0x00, 0x1b, 0x21, 0xaa, 0xbb, 0xcc}};

TEST(MacAddressText, ColonsDashesAndCapitalsAreTheSameAddress) {
  for (const char* text : {"52:54:00:65:d5:42", "52-54-00-65-D5-42", "52:54:00:65:D5:42"}) {
    const auto mac = ParseMac(text);
    ASSERT_TRUE(mac.ok()) << text;
    EXPECT_EQ(*mac, kOurs) << text;
  }
  EXPECT_EQ(kOurs.ToString(), "52:54:00:65:d5:42");
  EXPECT_EQ(kOurs.WithDashes(), "52-54-00-65-d5-42");
}

TEST(MacAddressText, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "52:54:00:65:d5", "52:54:00:65:d5:42:01", "52:54:00:65:d5:4", "52:54:00:65:d5:4g",
        "52:54-00:65:d5:42", "5254.0065.d542xxx", "52:54:00:65:d5: 2", "+2:54:00:65:d5:42"}) {
    const auto mac = ParseMac(text);
    EXPECT_TRUE(absl::IsInvalidArgument(mac.status())) << text;
  }
}

TEST(MacAddressText, AHugeTextDoesNotComeBackInTheMessage) {
  EXPECT_LT(ParseMac(std::string(100000, 'x')).status().message().size(), 100u);
}

constexpr char kArpReply[] = "0001 0800 06 04 0002  001b21aabbcc c0a80a05  52540065d542 c0a80a02";

TEST(Arp, ReadsTheFieldsOfAReply) {
  const auto arp = ParseArp(FromHex(kArpReply));
  ASSERT_TRUE(arp.ok());
  EXPECT_EQ(arp->operation, ArpOperation::kReply);
  EXPECT_EQ(arp->sender_mac, kTheirs);
  EXPECT_EQ(arp->sender_ip, 0xc0a80a05u);
  EXPECT_EQ(arp->target_mac, kOurs);
  EXPECT_EQ(arp->target_ip, 0xc0a80a02u);
}

TEST(Arp, WritesTheFieldsOfAReply) {
  const ArpMessage arp{ArpOperation::kReply, kTheirs, 0xc0a80a05, kOurs, 0xc0a80a02};
  EXPECT_EQ(EmitArp(arp), FromHex(kArpReply));
}

TEST(Arp, PaddingBehindTheMessageIsPassedOver) {
  Buffer padded = FromHex(kArpReply);
  padded.resize(46, 0xa5);
  EXPECT_TRUE(ParseArp(padded).ok());
}

TEST(Arp, EveryTruncationIsRefused) {
  const Buffer whole = FromHex(kArpReply);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsOutOfRange(ParseArp(Bytes(whole).first(size)).status())) << size;
  }
}

TEST(Arp, OtherHardwareOrProtocolIsRefused) {
  for (const std::size_t at : {1u, 3u, 4u, 5u}) {  // Hardware, protocol and the two lengths.
    Buffer other = FromHex(kArpReply);
    other[at] ^= 0x40;
    EXPECT_TRUE(absl::IsInvalidArgument(ParseArp(other).status())) << at;
  }
}

TEST(Arp, UnknownOperationIsKeptForTheCaller) {
  Buffer reverse = FromHex(kArpReply);
  reverse[7] = 3;  // RARP request.
  const auto arp = ParseArp(reverse);
  ASSERT_TRUE(arp.ok());
  EXPECT_EQ(static_cast<int>(arp->operation), 3);
}

TEST(Ethernet, RoundTripKeepsAddressesTypeAndPayload) {
  const EthernetFrame frame{kBroadcastMac, kOurs, kEthertypeArp, FromHex(kArpReply)};
  const Buffer bytes = EmitEthernet(frame);
  EXPECT_EQ(Buffer(bytes.begin(), bytes.begin() + 14), FromHex("ffffffffffff 52540065d542 0806"));
  EXPECT_EQ(bytes.size(), 60u);  // 42 octets and padding.
  const auto parsed = ParseEthernet(bytes);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->destination, kBroadcastMac);
  EXPECT_EQ(parsed->source, kOurs);
  EXPECT_EQ(parsed->ethertype, kEthertypeArp);
  EXPECT_TRUE(ParseArp(parsed->payload).ok());
}

TEST(Ethernet, EveryTruncationOfTheHeaderIsRefused) {
  const Buffer whole = FromHex("ffffffffffff 52540065d542 0806");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsOutOfRange(ParseEthernet(Bytes(whole).first(size)).status())) << size;
  }
  const auto header_alone = ParseEthernet(whole);
  ASSERT_TRUE(header_alone.ok());
  EXPECT_TRUE(header_alone->payload.empty());
}

TEST(WakeOnLan, IsSixTimesOnesAndSixteenTimesTheAddress) {
  const Buffer packet = EmitWakeOnLan(kOurs);
  ASSERT_EQ(packet.size(), 102u);
  EXPECT_EQ(Buffer(packet.begin(), packet.begin() + 6), FromHex("ffffffffffff"));
  for (int i = 1; i <= 16; ++i) {
    EXPECT_EQ(Buffer(packet.begin() + 6 * i, packet.begin() + 6 * i + 6), FromHex("52540065d542"))
        << i;
  }
}

TEST(WakeOnLan, ThePasswordStandsBehind) {
  const Buffer packet = EmitWakeOnLan(kOurs, FromHex("001b2c3d4e5f"));
  ASSERT_EQ(packet.size(), 108u);
  EXPECT_EQ(Buffer(packet.begin() + 102, packet.end()), FromHex("001b2c3d4e5f"));
}

}  // namespace
}  // namespace tentacle::wire
