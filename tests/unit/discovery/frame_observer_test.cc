#include "services/discovery/core/frame_observer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/wire/cdp.h"
#include "libs/wire/dhcp.h"
#include "libs/wire/ethernet.h"
#include "libs/wire/ipv4.h"
#include "libs/wire/lldp.h"
#include "libs/wire/writer.h"

namespace tentacle::discovery {
namespace {

namespace option = wire::dhcp_option;

constexpr std::uint32_t kHost = 0x0a000009;    // 10.0.0.9
constexpr std::uint32_t kServer = 0x0a000001;  // 10.0.0.1
constexpr std::uint32_t kAll = 0xffffffff;
const wire::MacAddress kOwnMac{{0x52, 0x54, 0, 0, 0, 1}};
const wire::MacAddress kMac{{0x52, 0x54, 0, 0x65, 0xd5, 0x42}};
const wire::MacAddress kSwitch{{0x00, 0x1b, 0x21, 0xaa, 0xbb, 0xcc}};

WatchedInterface Eth0() {
  WatchedInterface interface;
  interface.name = "eth0";
  interface.mac = kOwnMac;
  interface.subnets = {{"eth0", 0x0a0000fe, 24}};
  return interface;
}

wire::Buffer Frame(std::uint16_t type,
                   const wire::Buffer& payload,
                   const wire::MacAddress& from = kMac) {
  return wire::EmitEthernet({wire::kBroadcastMac, from, type, payload});
}

wire::Buffer Udp(std::uint32_t from,
                 std::uint16_t port,
                 const wire::Buffer& payload,
                 const wire::MacAddress& mac = kMac) {
  return Frame(wire::kEthertypeIpv4, wire::EmitUdpIpv4(from, kAll, {port, port, payload}), mac);
}

wire::Buffer Dhcp(const wire::DhcpMessage& message,
                  std::uint32_t from,
                  std::uint16_t port,
                  const wire::MacAddress& mac) {
  return Frame(
      wire::kEthertypeIpv4,
      wire::EmitUdpIpv4(from, kAll,
                        {static_cast<std::uint16_t>(135 - port), port, wire::EmitDhcp(message)}),
      mac);
}

wire::DhcpMessage Client(wire::DhcpType type) {
  wire::DhcpMessage message;
  std::copy(kMac.octets.begin(), kMac.octets.end(), message.hardware_address.begin());
  message.Add(option::kMessageType, wire::Buffer{static_cast<std::uint8_t>(type)});
  return message;
}

wire::DhcpMessage Server(wire::DhcpType type) {
  wire::DhcpMessage message = Client(type);
  message.operation = wire::DhcpOperation::kReply;
  message.your_address = kHost;
  message.AddU32(option::kServerId, kServer);
  message.AddU32(51, 3600);
  return message;
}

FrameReport Observe(const wire::Buffer& frame) {
  return ObserveFrame(frame, Eth0());
}

wire::Buffer Announcement(const std::string& label, std::uint32_t address) {
  wire::Writer out;
  for (const int field : {0, 0x8400, 0, 1, 0, 0})
    out.U16(static_cast<std::uint16_t>(field));
  out.U8(static_cast<std::uint8_t>(label.size()));
  out.Text(label);
  out.U8(5);
  out.Text("local");
  out.U8(0);
  out.U16(1);
  out.U16(0x8001);
  out.U32(120);
  out.U16(4);
  out.U32(address);
  return out.Finish();
}

TEST(FrameObserver, AnArpReplyTellsOfItsSender) {
  wire::ArpMessage arp{wire::ArpOperation::kReply, kMac, kHost, kOwnMac, 0x0a0000fe};
  const auto report = Observe(Frame(wire::kEthertypeArp, wire::EmitArp(arp)));
  ASSERT_TRUE(report.device.has_value());
  EXPECT_TRUE(report.arp_reply);
  EXPECT_EQ(report.device->mac, kMac);
  EXPECT_EQ(report.device->address, kHost);
}

TEST(FrameObserver, ATaggedFrameTellsOfTheVlanOfItsSender) {
  wire::ArpMessage arp{wire::ArpOperation::kRequest, kMac, 0x0a140009, {}, 0x0a140001};
  wire::Buffer frame = Frame(wire::kEthertypeArp, wire::EmitArp(arp));
  const wire::Buffer tag{0x81, 0x00, 0x00, 0x14};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  const auto report = Observe(frame);
  ASSERT_TRUE(report.device.has_value());
  EXPECT_EQ(report.device->vlan, 20);
  EXPECT_EQ(report.device->address, 0u);  // Of a network that is not ours.
}

TEST(FrameObserver, ADhcpClientTellsItsNameAndItsFingerprint) {
  wire::DhcpMessage message = Client(wire::DhcpType::kDiscover);
  message.AddText(option::kHostName, "laptop\x1b[31m");
  message.AddText(option::kVendorClass, "MSFT 5.0");
  message.Add(55, wire::Buffer{1, 3, 6, 15});
  message.Add(61, wire::Buffer{0xff, 0xab, 0xcd});
  const auto report = Observe(Dhcp(message, 0, 67, kMac));
  ASSERT_TRUE(report.device.has_value());
  EXPECT_EQ(report.device->name, "laptop [31m");
  EXPECT_EQ(report.device->vendor_class, "MSFT 5.0");
  EXPECT_EQ(report.device->fingerprint, "1,3,6,15");
  EXPECT_EQ(report.device->client_id, "ffabcd");
  EXPECT_FALSE(report.dhcp.has_value());
}

TEST(FrameObserver, AnOfferTellsOfItsServer) {
  wire::DhcpMessage message = Server(wire::DhcpType::kOffer);
  message.boot_file = "pxelinux.0";
  message.server_address = 0x0a000002;
  const auto report = Observe(Dhcp(message, kServer, 68, kSwitch));
  ASSERT_TRUE(report.dhcp.has_value());
  EXPECT_EQ(report.dhcp->server, kServer);
  EXPECT_EQ(report.dhcp->server_mac, kSwitch);
  EXPECT_EQ(report.dhcp->client, kMac);
  EXPECT_EQ(report.dhcp->address, kHost);
  EXPECT_EQ(report.dhcp->lease, absl::Hours(1));
  EXPECT_TRUE(report.dhcp->offer);
  EXPECT_TRUE(report.dhcp->boots());
  EXPECT_EQ(report.dhcp->boot_file, "pxelinux.0");
}

TEST(FrameObserver, AClientThatTakesAnOfferNamesTheServer) {
  wire::DhcpMessage message = Client(wire::DhcpType::kRequest);
  message.AddU32(option::kServerId, kServer);
  message.AddU32(50, kHost);
  const auto report = Observe(Dhcp(message, 0, 67, kMac));
  ASSERT_TRUE(report.dhcp.has_value());
  EXPECT_TRUE(report.dhcp->taken);
  EXPECT_EQ(report.dhcp->server, kServer);
  EXPECT_EQ(report.dhcp->address, kHost);
  EXPECT_EQ(report.dhcp->server_mac, wire::MacAddress{});
}

TEST(FrameObserver, WhatARelayPassesOnIsOfAnotherSegment) {
  wire::DhcpMessage message = Server(wire::DhcpType::kOffer);
  message.gateway_address = 0x0a010001;
  EXPECT_EQ(Observe(Dhcp(message, kServer, 68, kSwitch)).dropped, DropReason::kUninteresting);
}

TEST(FrameObserver, AClientSpeaksForItselfOnly) {
  EXPECT_TRUE(Observe(Dhcp(Client(wire::DhcpType::kDiscover), 0, 67, kSwitch)).dropped.has_value());
}

TEST(FrameObserver, AMulticastNameCountsForTheAddressThatItCameFrom) {
  const auto own = Observe(Udp(kHost, 5353, Announcement("printer", kHost)));
  ASSERT_TRUE(own.device.has_value());
  EXPECT_EQ(own.device->name, "printer");
  EXPECT_EQ(own.device->source, Source::kMdns);
  // A gateway repeats what it heard elsewhere.
  const auto others = Observe(Udp(kHost, 5353, Announcement("printer", kHost + 1)));
  ASSERT_TRUE(others.device.has_value());
  EXPECT_EQ(others.device->name, "");
  EXPECT_EQ(Observe(Udp(0x0b000001, 5353, Announcement("x", 0x0b000001))).dropped,
            DropReason::kForeignAddress);
}

TEST(FrameObserver, ASwitchIsANeighbourAndNoDevice) {
  wire::Writer lldp;
  const auto element = [&lldp](std::uint8_t type, const std::string& value) {
    lldp.U16(static_cast<std::uint16_t>(type << 9 | value.size()));
    lldp.Text(value);
  };
  element(1, std::string("\x07") + "chassis");
  element(2, std::string("\x05") + "Gi1/0/7");
  element(3, std::string("\0\x78", 2));
  element(5, "sw<b>\n1");
  element(7, std::string("\0\x04\0\x04", 4));
  const auto report = Observe(Frame(wire::kEthertypeLldp, lldp.Finish(), kSwitch));
  ASSERT_TRUE(report.neighbour.has_value());
  EXPECT_TRUE(report.neighbour->is_switch);
  EXPECT_EQ(report.neighbour->name, "sw<b> 1");
  EXPECT_EQ(report.neighbour->port, "Gi1/0/7");
  EXPECT_EQ(report.neighbour->valid_for, absl::Seconds(120));
  EXPECT_FALSE(report.device.has_value());
}

TEST(FrameObserver, OurOwnFramesAndOtherProtocolsTellNothing) {
  wire::ArpMessage arp{wire::ArpOperation::kRequest, kOwnMac, 0x0a0000fe, {}, kHost};
  EXPECT_EQ(Observe(Frame(wire::kEthertypeArp, wire::EmitArp(arp), kOwnMac)).dropped,
            DropReason::kOwn);
  EXPECT_EQ(Observe(Frame(0x86dd, wire::Buffer(40))).dropped, DropReason::kUninteresting);
  EXPECT_EQ(Observe(wire::Buffer(5)).dropped, DropReason::kMalformed);
}

}  // namespace
}  // namespace tentacle::discovery
