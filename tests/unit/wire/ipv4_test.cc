#include "libs/wire/ipv4.h"

#include <gtest/gtest.h>

#include "libs/wire/ethernet.h"
#include "libs/wire/wake_on_lan.h"
#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using testing::FromHex;
using testing::FromText;
using testing::ToHex;

// 10.0.0.5:68 -> 255.255.255.255:67 "hi", as a real stack sends it.
constexpr char kSample[] =
    "4500 001e 0000 0000 4011 70ad 0a000005 ffffffff  0044 0043 000a 8bfa 6869";

Buffer Sample() {
  return EmitUdpIpv4(0x0a000005, 0xffffffff, {68, 67, FromText("hi")});
}

TEST(Ipv4, EmitsHeaderAndChecksums) {
  const Buffer packet = Sample();
  // Adding up everything with the checksum in it gives all ones (RFC 1071 section 1).
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2)
    sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
  EXPECT_EQ(ToHex(packet).substr(0, 20), ToHex(FromHex(kSample)).substr(0, 20));
}

TEST(Ipv4, GivesBackWhatWasSent) {
  const Buffer bytes = Sample();
  const auto packet = ParseIpv4(bytes);
  ASSERT_TRUE(packet.ok()) << packet.status();
  EXPECT_EQ(packet->source, 0x0a000005u);
  EXPECT_EQ(packet->destination, 0xffffffffu);
  EXPECT_EQ(packet->protocol, kProtocolUdp);
  const auto udp = ParseUdp(packet->payload);
  ASSERT_TRUE(udp.ok()) << udp.status();
  EXPECT_EQ(udp->source_port, 68);
  EXPECT_EQ(udp->destination_port, 67);
  EXPECT_EQ(ToHex(udp->payload), "6869");
}

TEST(Ipv4, PaddingOfTheFrameIsNoPayload) {
  Buffer bytes = Sample();
  bytes.resize(46, 0);
  const auto packet = ParseIpv4(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(packet->payload.size(), 10u);
}

TEST(Ipv4, EveryTruncationIsRefused) {
  const Buffer bytes = Sample();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto packet = ParseIpv4(Bytes(bytes).first(size));
    EXPECT_FALSE(packet.ok()) << size;
  }
  EXPECT_FALSE(ParseUdp(Bytes(bytes).subspan(20, 9)).ok());
}

TEST(Ipv4, FragmentsAndOtherVersionsAreRefused) {
  Buffer fragment = Sample();
  fragment[7] = 1;
  EXPECT_FALSE(ParseIpv4(fragment).ok());
  Buffer more = Sample();
  more[6] = 0x20;
  EXPECT_FALSE(ParseIpv4(more).ok());
  Buffer version = Sample();
  version[0] = 0x65;
  EXPECT_FALSE(ParseIpv4(version).ok());
}

TEST(Ethernet, TagsAreTakenOff) {
  const auto tagged = ParseEthernet(FromHex("ffffffffffff 525400112233 8100 6014 0806 0001"));
  ASSERT_TRUE(tagged.ok());
  EXPECT_EQ(tagged->vlan, 20);
  EXPECT_EQ(tagged->ethertype, kEthertypeArp);
  EXPECT_EQ(ToHex(tagged->payload), "0001");
  const auto stacked =
      ParseEthernet(FromHex("ffffffffffff 525400112233 88a8 0064 8100 0014 0806 0001"));
  ASSERT_TRUE(stacked.ok());
  EXPECT_EQ(stacked->vlan, 20);
  EXPECT_EQ(stacked->ethertype, kEthertypeArp);
  EXPECT_FALSE(ParseEthernet(FromHex("ffffffffffff 525400112233 8100 60")).ok());
}

TEST(WakeOnLan, ThePasswordStandsBehindTheMac) {
  const MacAddress mac{{0x52, 0x54, 0, 1, 2, 3}};
  const Buffer packet = EmitWakeOnLan(mac, FromHex("0102 0304 0506"));
  EXPECT_EQ(packet.size(), 108u);
  EXPECT_EQ(ToHex(Bytes(packet).last(12)), "525400010203010203040506");
}

}  // namespace
}  // namespace tentacle::wire
