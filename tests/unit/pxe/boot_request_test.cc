// Who is answered at all: the decision before any table is asked.
#include "services/pxe/core/boot_request.h"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

#include "services/pxe/core/proxy_dhcp.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

namespace option = wire::dhcp_option;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

BootRequest Taken(const wire::DhcpMessage& message, DhcpPort port = DhcpPort::kDhcp) {
  const auto result = ReadBootRequest(message, port);
  EXPECT_TRUE(std::holds_alternative<BootRequest>(result));
  return std::holds_alternative<BootRequest>(result) ? std::get<BootRequest>(result)
                                                     : BootRequest{};
}

DropReason Dropped(const wire::DhcpMessage& message, DhcpPort port = DhcpPort::kDhcp) {
  const auto result = ReadBootRequest(message, port);
  EXPECT_TRUE(std::holds_alternative<DropReason>(result));
  return std::holds_alternative<DropReason>(result) ? std::get<DropReason>(result)
                                                    : DropReason::kNotOurs;
}

TEST(BootRequest, BiosIsArchitecture0) {
  const BootRequest request = Taken(Discover(0));
  EXPECT_EQ(request.arch.firmware, Firmware::kBios);
  EXPECT_EQ(request.mac, kMac);
  EXPECT_FALSE(request.ipxe);
}

TEST(BootRequest, Architectures7And9AreBothX64Uefi) {
  EXPECT_EQ(Taken(Discover(7)).arch.firmware, Firmware::kUefiX64);
  EXPECT_EQ(Taken(Discover(9)).arch.firmware, Firmware::kUefiX64);
}

std::variant<BootChoice, DropReason> Chosen(const BootRequest& boot,
                                            const QuirkEffects& quirk = {}) {
  return ChooseBoot(boot, {DhcpPort::kDhcp, 0xc0a80a02, 0, 68}, BootUrls{9080}, quirk, false);
}

TEST(BootRequest, StrangersAreTakenDownButNothingBootsThem) {
  for (const int arch : {25, 27, 0x1234}) {
    EXPECT_EQ(std::get<DropReason>(Chosen(Taken(Discover(arch)))), DropReason::kUnknownFirmware)
        << arch;
  }
}

TEST(BootRequest, WhatAQuirkIgnoresIsIgnored) {
  QuirkEffects quirk;
  quirk.answer = false;
  EXPECT_EQ(std::get<DropReason>(Chosen(Taken(Discover(7)), quirk)), DropReason::kIgnored);
}

TEST(BootRequest, FirstKnownOfSeveralArchitecturesCounts) {
  wire::DhcpMessage message = Discover(7);
  Drop(option::kClientArch, &message);
  message.Add(option::kClientArch, Octets({0x12, 0x34, 0, 9, 0, 0}));
  EXPECT_EQ(Taken(message).arch.number, 9);
}

TEST(BootRequest, HalfAnArchitectureIsNone) {
  wire::DhcpMessage message = Discover(7);
  Drop(option::kClientArch, &message);
  message.Add(option::kClientArch, Octets({0}));
  EXPECT_EQ(Taken(message).arch.firmware, Firmware::kBios);  // PXEClient alone: an old ROM.
}

TEST(BootRequest, VendorClassOrArchitectureAloneIsEnough) {
  wire::DhcpMessage without_vendor = Discover(7);
  Drop(option::kVendorClass, &without_vendor);
  EXPECT_EQ(Taken(without_vendor).arch.firmware, Firmware::kUefiX64);
  wire::DhcpMessage without_arch = Discover(7);
  Drop(option::kClientArch, &without_arch);
  EXPECT_EQ(Taken(without_arch).arch.firmware, Firmware::kBios);
}

TEST(BootRequest, AnOperatingSystemIsLeftAlone) {
  wire::DhcpMessage message = Discover(7);
  Drop(option::kVendorClass, &message);
  Drop(option::kClientArch, &message);
  EXPECT_EQ(Dropped(message), DropReason::kNotPxeClient);
  message.AddText(option::kVendorClass, "MSFT 5.0");
  EXPECT_EQ(Dropped(message), DropReason::kNotPxeClient);
}

TEST(BootRequest, HttpBootIsKnownByItsVendorClassAndHasNoBootServer) {
  EXPECT_TRUE(Taken(HttpDiscover(16)).http);
  EXPECT_TRUE(Taken(HttpDiscover(7)).http);  // Some say the architecture of PXE.
  EXPECT_FALSE(Taken(Discover(7)).http);
  wire::DhcpMessage request = HttpDiscover(16);
  request.options.front().data = Octets({3});
  EXPECT_EQ(Dropped(request, DhcpPort::kBootServer), DropReason::kNotBootRequest);
}

TEST(BootRequest, ARaspberryPiIsKnownByItsMachineId) {
  wire::DhcpMessage message = Discover(0);
  Drop(option::kClientMachineId, &message);
  message.Add(option::kClientMachineId,
              Octets({0, 'R', 'P', 'i', '4', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Taken(message).arch.firmware, Firmware::kRaspberryPi);
  EXPECT_EQ(Taken(Discover(41)).arch.firmware, Firmware::kRaspberryPi);
}

TEST(BootRequest, MoreRelaysThanThereCanBeAreALoop) {
  wire::DhcpMessage message = Discover(7);
  message.hops = 16;
  Taken(message);
  message.hops = 17;
  EXPECT_EQ(Dropped(message), DropReason::kTooManyHops);
}

TEST(BootRequest, ACircuitThatIsTooLongToEchoIsMalformed) {
  wire::DhcpMessage message = Discover(7);
  message.Add(option::kRelayAgent, wire::Buffer(256, 'x'));
  EXPECT_EQ(Dropped(message), DropReason::kMalformed);
}

TEST(BootRequest, FirmwareSaysWhatItIsInPrintableWords) {
  wire::DhcpMessage message = Discover(7);
  message.AddText(option::kUserClass, std::string("a\x1b[31m\n\0\xff", 9) + std::string(300, 'b'));
  message.AddText(option::kHostName, "pc-1");
  const FirmwareSays says = Taken(message).says;
  EXPECT_EQ(says.vendor_class, "PXEClient:Arch:00007:UNDI:003016");
  EXPECT_EQ(says.user_class, "a[31m" + std::string(kMaxSaidBytes - 9, 'b'));
  EXPECT_EQ(says.host_name, "pc-1");
  EXPECT_EQ(says.interface_version, "3.16");
  ASSERT_TRUE(says.machine.has_value());
  EXPECT_EQ(MachineIdText(*says.machine), "04030201-0605-0807-090a-0b0c0d0e0f10");
}

TEST(BootRequest, TheAddressThatAClientTakesIsHeard) {
  wire::DhcpMessage request = Discover(7);
  EXPECT_EQ(ChosenAddress(request), 0u);
  request.options.front().data = Octets({3});
  EXPECT_EQ(ChosenAddress(request), 0u);
  request.client_address = 0xc0a80a66;
  EXPECT_EQ(ChosenAddress(request), 0xc0a80a66u);
  request.Add(option::kRequestedAddress, Octets({192, 168, 10, 101}));
  EXPECT_EQ(ChosenAddress(request), 0xc0a80a65u);
  request.operation = wire::DhcpOperation::kReply;
  EXPECT_EQ(ChosenAddress(request), 0u);
}

TEST(BootRequest, OnlyADiscoverCountsOnPort67) {
  for (const int type : {2, 3, 4, 5, 7, 8}) {
    wire::DhcpMessage message = Discover(7);
    message.options.front().data = Octets({type});
    EXPECT_EQ(Dropped(message), DropReason::kNotBootRequest) << type;
  }
}

TEST(BootRequest, OnlyARequestOrInformCountsOnPort4011) {
  EXPECT_EQ(Taken(BootServerRequest(7), DhcpPort::kBootServer).arch.firmware, Firmware::kUefiX64);
  EXPECT_EQ(Dropped(Discover(7), DhcpPort::kBootServer), DropReason::kNotBootRequest);
  wire::DhcpMessage inform = BootServerRequest(0);
  inform.options.front().data = Octets({8});
  EXPECT_EQ(Taken(inform, DhcpPort::kBootServer).arch.firmware, Firmware::kBios);
}

TEST(BootRequest, AReplyIsNeverAnswered) {
  wire::DhcpMessage message = Discover(7);
  message.operation = wire::DhcpOperation::kReply;
  EXPECT_EQ(Dropped(message), DropReason::kNotBootRequest);
}

TEST(BootRequest, WithoutAMacThereIsNoTask) {
  wire::DhcpMessage message = Discover(7);
  message.hardware_length = 16;
  EXPECT_EQ(Dropped(message), DropReason::kNoMac);
  message.hardware_length = 6;
  message.hardware_type = 32;  // InfiniBand.
  EXPECT_EQ(Dropped(message), DropReason::kNoMac);
}

TEST(BootRequest, WhereAGuidStandsForTheMacTheClientIdentifierHasIt) {
  wire::DhcpMessage message = Discover(7);
  message.hardware_length = 16;
  message.hardware_address.fill(0x77);
  message.Add(option::kClientId, Octets({1, 0x52, 0x54, 0, 0x65, 0xd5, 0x42}));
  EXPECT_EQ(Taken(message).mac, kMac);
}

TEST(BootRequest, IpxeIsKnownByItsUserClassInEitherFormOrByItsOptions) {
  wire::DhcpMessage plain = Discover(0);
  plain.AddText(option::kUserClass, "iPXE");
  EXPECT_TRUE(Taken(plain).ipxe);
  wire::DhcpMessage prefixed = Discover(0);
  prefixed.AddText(option::kUserClass, "\x04iPXE");
  EXPECT_TRUE(Taken(prefixed).ipxe);
  wire::DhcpMessage features = Discover(0);
  features.Add(option::kEtherboot, Octets({0x13, 1, 1, 0x18, 1, 1}));
  EXPECT_TRUE(Taken(features).ipxe);
  wire::DhcpMessage other = Discover(0);
  other.AddText(option::kUserClass, "gPXE");
  EXPECT_FALSE(Taken(other).ipxe);
}

TEST(BootRequest, AnIpxeThatLacksWhatItsScriptNeedsIsFirmware) {
  wire::DhcpMessage no_http = Discover(0);
  no_http.AddText(option::kUserClass, "iPXE");
  no_http.Add(option::kEtherboot, Octets({0x18, 1, 1}));
  EXPECT_FALSE(Taken(no_http).ipxe);
  wire::DhcpMessage no_kernels = Discover(0);
  no_kernels.Add(option::kEtherboot, Octets({0x13, 1, 1, 0x18, 1, 0}));
  EXPECT_FALSE(Taken(no_kernels).ipxe);
  wire::DhcpMessage cut = Discover(0);
  cut.Add(option::kEtherboot, Octets({0x13, 200, 1}));
  EXPECT_FALSE(Taken(cut).ipxe);
  wire::DhcpMessage uefi = Discover(7);
  uefi.Add(option::kEtherboot, Octets({0x13, 1, 1, 0x24, 1, 1}));
  EXPECT_TRUE(Taken(uefi).ipxe);
}

TEST(BootRequest, EveryDropReasonHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int reason = 0; reason < kDropReasons; ++reason)
    names.insert(DropName(static_cast<DropReason>(reason)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kDropReasons));
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace tentacle::pxe
