// Who is answered at all: the decision before any table is asked.
#include <set>
#include <string_view>

#include <gtest/gtest.h>

#include "services/pxe/core/boot_request.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

namespace option = wire::dhcp_option;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

BootRequest Taken(const wire::DhcpMessage& message, DhcpPort port = DhcpPort::kDhcp) {
  const auto result = ReadBootRequest(message, port);
  EXPECT_TRUE(std::holds_alternative<BootRequest>(result));
  return std::holds_alternative<BootRequest>(result) ? std::get<BootRequest>(result) : BootRequest{};
}

DropReason Dropped(const wire::DhcpMessage& message, DhcpPort port = DhcpPort::kDhcp) {
  const auto result = ReadBootRequest(message, port);
  EXPECT_TRUE(std::holds_alternative<DropReason>(result));
  return std::holds_alternative<DropReason>(result) ? std::get<DropReason>(result) : DropReason::kNotOurs;
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

TEST(BootRequest, Ia32UefiAndStrangersAreDroppedByReason) {
  for (const int arch : {6, 10, 11, 16, 0x1234}) {
    EXPECT_EQ(Dropped(Discover(arch)), DropReason::kUnknownFirmware) << arch;
  }
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

TEST(BootRequest, HttpBootIsNotForUs) {
  wire::DhcpMessage message = Discover(16);
  Drop(option::kVendorClass, &message);
  message.AddText(option::kVendorClass, "HTTPClient:Arch:00016");
  EXPECT_EQ(Dropped(message), DropReason::kNotPxeClient);
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
}

TEST(BootRequest, IpxeIsKnownByItsUserClassInEitherFormOrByItsOptions) {
  wire::DhcpMessage plain = Discover(0);
  plain.AddText(option::kUserClass, "iPXE");
  EXPECT_TRUE(Taken(plain).ipxe);
  wire::DhcpMessage prefixed = Discover(0);
  prefixed.AddText(option::kUserClass, "\x04iPXE");
  EXPECT_TRUE(Taken(prefixed).ipxe);
  wire::DhcpMessage features = Discover(0);
  features.Add(option::kEtherboot, Octets({0x13, 1, 1}));
  EXPECT_TRUE(Taken(features).ipxe);
  wire::DhcpMessage other = Discover(0);
  other.AddText(option::kUserClass, "gPXE");
  EXPECT_FALSE(Taken(other).ipxe);
}

TEST(BootRequest, EveryDropReasonHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int reason = 0; reason < kDropReasons; ++reason) names.insert(DropName(static_cast<DropReason>(reason)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kDropReasons));
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace tentacle::pxe
