// LLDP and CDP: what switches say of themselves.
#include <gtest/gtest.h>

#include "libs/wire/cdp.h"
#include "libs/wire/lldp.h"
#include "libs/wire/writer.h"
#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using testing::FromHex;

void Element(Writer& out, std::uint8_t type, const Buffer& value) {
  out.U16(static_cast<std::uint16_t>(type << 9 | value.size()));
  out.Append(value);
}

Buffer Prefixed(std::uint8_t subtype, std::string_view text) {
  Buffer value{subtype};
  value.insert(value.end(), text.begin(), text.end());
  return value;
}

// What is mandatory; `more` comes behind it.
Buffer Lldp(const Buffer& more) {
  Writer out;
  Element(out, 1, FromHex("04 00 1b 21 aa bb cc"));
  Element(out, 2, Prefixed(5, "Gi1/0/7"));
  Element(out, 3, FromHex("0078"));
  out.Append(more);
  return out.Finish();
}

Buffer FullLldp() {
  Writer more;
  Element(more, 4, testing::FromText("to the lab"));
  Element(more, 5, testing::FromText("sw-floor2"));
  Element(more, 6, testing::FromText("Switch OS 1.0"));
  Element(more, 7, FromHex("0014 0004"));
  Element(more, 8, FromHex("05 01 0a000002 02 00000001 00"));
  Element(more, 127, FromHex("0080c2 01 0014"));
  Element(more, 0, {});
  return Lldp(more.Finish());
}

TEST(Lldp, ReadsWhatASwitchSays) {
  const auto frame = ParseLldp(FullLldp());
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->chassis_id, "00:1b:21:aa:bb:cc");
  ASSERT_TRUE(frame->chassis_mac.has_value());
  EXPECT_EQ(frame->port_id, "Gi1/0/7");
  EXPECT_EQ(frame->ttl_s, 120);
  EXPECT_EQ(frame->port_description, "to the lab");
  EXPECT_EQ(frame->system_name, "sw-floor2");
  EXPECT_EQ(frame->system_description, "Switch OS 1.0");
  EXPECT_EQ(frame->capabilities, lldp_capability::kBridge);  // A router by build, switched off.
  EXPECT_EQ(frame->management_address, 0x0a000002u);
  EXPECT_EQ(frame->port_vlan, 20);
}

TEST(Lldp, TheEndMayBeMissing) {
  EXPECT_TRUE(ParseLldp(Lldp({})).ok());
}

TEST(Lldp, UnknownElementsAreForgiven) {
  Writer more;
  Element(more, 99, FromHex("00 01 02"));
  Element(more, 127, FromHex("00"));
  Element(more, 7, FromHex("00"));
  Element(more, 8, {});
  EXPECT_TRUE(ParseLldp(Lldp(more.Finish())).ok());
}

TEST(Lldp, TheFirstThreeStandInOrder) {
  Writer out;
  Element(out, 2, Prefixed(5, "Gi1/0/7"));
  Element(out, 1, FromHex("04 00 1b 21 aa bb cc"));
  Element(out, 3, FromHex("0078"));
  EXPECT_FALSE(ParseLldp(out.Finish()).ok());
}

TEST(Lldp, AChassisThatComesTwiceIsRefused) {
  Writer more;
  Element(more, 1, FromHex("04 00 1b 21 aa bb cc"));
  EXPECT_FALSE(ParseLldp(Lldp(more.Finish())).ok());
}

TEST(Lldp, TruncationNeverAddsAnything) {
  const Buffer bytes = FullLldp();
  const std::size_t mandatory = Lldp({}).size();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto frame = ParseLldp(Bytes(bytes).first(size));
    if (size < mandatory) {
      EXPECT_FALSE(frame.ok()) << size;
    }
    if (frame.ok()) {
      EXPECT_EQ(frame->port_id, "Gi1/0/7");
    }
  }
}

void CdpElement(Writer& out, std::uint16_t type, const Buffer& value) {
  out.U16(type);
  out.U16(static_cast<std::uint16_t>(value.size() + 4));
  out.Append(value);
}

Buffer Cdp() {
  Writer out;
  out.Append(FromHex("aaaa03 00000c 2000  02 b4 0000"));
  CdpElement(out, 1, testing::FromText("core-1.example"));
  CdpElement(out, 2, FromHex("00000001 01 01 cc 0004 0a000003"));
  CdpElement(out, 3, testing::FromText("GigabitEthernet1/0/9"));
  CdpElement(out, 4, FromHex("00000029"));
  CdpElement(out, 6, testing::FromText("cisco WS-C3750"));
  CdpElement(out, 10, FromHex("0014"));
  return out.Finish();
}

TEST(Cdp, ReadsWhatASwitchSays) {
  const auto frame = ParseCdp(Cdp());
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->version, 2);
  EXPECT_EQ(frame->ttl_s, 180);
  EXPECT_EQ(frame->device_id, "core-1.example");
  EXPECT_EQ(frame->port_id, "GigabitEthernet1/0/9");
  EXPECT_EQ(frame->capabilities, cdp_capability::kRouter | cdp_capability::kSwitch | 0x20u);
  EXPECT_EQ(frame->platform, "cisco WS-C3750");
  EXPECT_EQ(frame->address, 0x0a000003u);
  EXPECT_EQ(frame->native_vlan, 20);
}

TEST(Cdp, PaddingIsNoElement) {
  Buffer bytes = Cdp();
  bytes.resize(bytes.size() + 10, 0);
  EXPECT_TRUE(ParseCdp(bytes).ok());
}

TEST(Cdp, OtherProtocolsAndShortElementsAreRefused) {
  EXPECT_FALSE(ParseCdp(FromHex("424203 000000 0000 0000 00000000")).ok());
  EXPECT_FALSE(ParseCdp(FromHex("aaaa03 00000c 2004 02b4 0000 0001 0005 61")).ok());  // DTP.
  EXPECT_FALSE(ParseCdp(FromHex("aaaa03 00000c 2000 02b4 0000 0001 0003")).ok());
  EXPECT_FALSE(ParseCdp(FromHex("aaaa03 00000c 2000 02b4 0000 0003 0005 61")).ok());  // No device.
}

TEST(Cdp, ManyAddressesThatAreNotThereEnd) {
  Writer out;
  out.Append(FromHex("aaaa03 00000c 2000 02b4 0000"));
  CdpElement(out, 1, testing::FromText("x"));
  CdpElement(out, 2, FromHex("ffffffff 01"));
  const auto frame = ParseCdp(out.Finish());
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->address.has_value());
}

}  // namespace
}  // namespace tentacle::wire
