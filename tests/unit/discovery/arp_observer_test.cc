#include "services/discovery/core/arp_observer.h"

#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

constexpr std::uint32_t kOwn = 0x0a000001;    // 10.0.0.1/24
constexpr std::uint32_t kOther = 0x0a000017;  // 10.0.0.23

wire::MacAddress Mac(std::uint8_t first, std::uint8_t last) {
  wire::MacAddress mac;
  mac.octets = {first, 0, 0, 0, 0, last};
  return mac;
}

const WatchedInterface kEth0{"eth0", 2, Mac(0x02, 1), {{"eth0", kOwn, 24}}};

wire::ArpMessage Reply(std::uint32_t sender) {
  wire::ArpMessage arp;
  arp.operation = wire::ArpOperation::kReply;
  arp.sender_mac = Mac(0x02, 9);
  arp.sender_ip = sender;
  arp.target_mac = kEth0.mac;
  arp.target_ip = kOwn;
  return arp;
}

DropReason ReasonFor(const wire::ArpMessage& arp) {
  const auto result = ObserveArp(arp, kEth0);
  const auto* reason = std::get_if<DropReason>(&result);
  EXPECT_NE(reason, nullptr) << "was taken for a device";
  return reason == nullptr ? DropReason::kMalformed : *reason;
}

TEST(ArpObserver, AReplyTellsOfItsSender) {
  const auto result = ObserveArp(Reply(kOther), kEth0);
  const auto* observation = std::get_if<Observation>(&result);
  ASSERT_NE(observation, nullptr);
  EXPECT_EQ(observation->mac, Mac(0x02, 9));
  EXPECT_EQ(observation->address, kOther);
  EXPECT_EQ(observation->interface, "eth0");
}

TEST(ArpObserver, ARequestTellsOfItsSenderToo) {
  wire::ArpMessage arp = Reply(kOther);
  arp.operation = wire::ArpOperation::kRequest;
  EXPECT_TRUE(std::holds_alternative<Observation>(ObserveArp(arp, kEth0)));
}

TEST(ArpObserver, OurOwnVoiceIsNoDevice) {
  wire::ArpMessage arp = Reply(kOwn);
  arp.sender_mac = kEth0.mac;
  EXPECT_EQ(ReasonFor(arp), DropReason::kOwn);
}

TEST(ArpObserver, AnAddressProbeHasNoAddressYet) {
  EXPECT_EQ(ReasonFor(Reply(0)), DropReason::kNoSenderAddress);
}

TEST(ArpObserver, AGroupIsNoDevice) {
  wire::ArpMessage arp = Reply(kOther);
  arp.sender_mac = Mac(0x01, 9);
  EXPECT_EQ(ReasonFor(arp), DropReason::kNotUnicast);
  arp.sender_mac = wire::MacAddress{};
  EXPECT_EQ(ReasonFor(arp), DropReason::kNotUnicast);
}

TEST(ArpObserver, AnAddressOfAnotherNetworkIsForeign) {
  EXPECT_EQ(ReasonFor(Reply(0xc0a80001)), DropReason::kForeignAddress);
}

TEST(ArpObserver, NetworkAndBroadcastAddressAreNobodys) {
  EXPECT_EQ(ReasonFor(Reply(0x0a000000)), DropReason::kForeignAddress);
  EXPECT_EQ(ReasonFor(Reply(0x0a0000ff)), DropReason::kForeignAddress);
}

TEST(ArpObserver, AnInterfaceThatLostItsAddressHearsForeignersOnly) {
  const WatchedInterface bare{"eth0", 2, Mac(0x02, 1), {}};
  const auto result = ObserveArp(Reply(kOther), bare);
  ASSERT_TRUE(std::holds_alternative<DropReason>(result));
  EXPECT_EQ(std::get<DropReason>(result), DropReason::kForeignAddress);
}

}  // namespace
}  // namespace tentacle::discovery
