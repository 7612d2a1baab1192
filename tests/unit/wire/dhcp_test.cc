#include "libs/wire/dhcp.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using tentacle::testing::FromHex;
using tentacle::testing::FromText;

constexpr std::size_t kHeaderBytes = 240;  // With the magic cookie.

// The fixed fields as a UEFI machine behind a relay sends them, each with a value of its own.
Buffer Header() {
  Buffer bytes = FromHex(
      "01 01 06 02 3903f326 0004 8000 0a000001 0a000002 0a000003 0a000004"
      "52540065d542 00000000000000000000");
  Buffer names(192, 0);
  const Buffer server = FromText("server");
  const Buffer file = FromText("boot/file");
  std::copy(server.begin(), server.end(), names.begin());
  std::copy(file.begin(), file.end(), names.begin() + 64);
  bytes.insert(bytes.end(), names.begin(), names.end());
  const Buffer cookie = FromHex("63825363");
  bytes.insert(bytes.end(), cookie.begin(), cookie.end());
  EXPECT_EQ(bytes.size(), kHeaderBytes);
  return bytes;
}

Buffer WithOptions(std::string_view hex) {
  Buffer bytes = Header();
  const Buffer options = FromHex(hex);
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

// DISCOVER, PXEClient, architecture 7, an option nobody knows (224), a machine id.
constexpr char kOptions[] =
    "35 01 01  3c 09 505845436c69656e74  5d 02 0007  e0 03 010203"
    "61 11 00 000102030405060708090a0b0c0d0e0f  ff";

DhcpMessage Sample() {
  DhcpMessage message;
  message.operation = DhcpOperation::kRequest;
  message.hops = 2;
  message.transaction_id = 0x3903f326;
  message.seconds = 4;
  message.flags = kDhcpBroadcastFlag;
  message.client_address = 0x0a000001;
  message.your_address = 0x0a000002;
  message.server_address = 0x0a000003;
  message.gateway_address = 0x0a000004;
  message.hardware_address = {0x52, 0x54, 0x00, 0x65, 0xd5, 0x42};
  message.server_name = "server";
  message.boot_file = "boot/file";
  message.Add(dhcp_option::kMessageType, FromHex("01"));
  message.AddText(dhcp_option::kVendorClass, "PXEClient");
  message.Add(dhcp_option::kClientArch, FromHex("0007"));
  message.Add(224, FromHex("010203"));
  message.Add(dhcp_option::kClientMachineId, FromHex("00000102030405060708090a0b0c0d0e0f"));
  return message;
}

TEST(Dhcp, ReadsEveryFieldAndTheOptionsInOrder) {
  const auto message = ParseDhcp(WithOptions(kOptions));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(*message, Sample());
  EXPECT_EQ(message->type(), DhcpType::kDiscover);
  ASSERT_TRUE(message->mac().has_value());
  EXPECT_EQ(message->mac()->ToString(), "52:54:00:65:d5:42");
}

TEST(Dhcp, WritesEveryFieldAndTheOptionsInOrder) {
  Buffer want = WithOptions(kOptions);
  want.resize(std::max<std::size_t>(want.size(), 300), 0);
  EXPECT_EQ(EmitDhcp(Sample()), want);
}

TEST(Dhcp, RoundTripKeepsUnknownOptions) {
  const auto again = ParseDhcp(EmitDhcp(Sample()));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, Sample());
}

TEST(Dhcp, PaddingComesAfterTheEndOption) {
  DhcpMessage message;
  const Buffer bytes = EmitDhcp(message);
  ASSERT_EQ(bytes.size(), 300u);
  EXPECT_EQ(bytes[kHeaderBytes], dhcp_option::kEnd);
  EXPECT_TRUE(
      std::all_of(bytes.begin() + kHeaderBytes + 1, bytes.end(), [](auto b) { return b == 0; }));
}

TEST(Dhcp, EveryTruncationInsideTheHeaderIsRefused) {
  const Buffer whole = WithOptions(kOptions);
  for (std::size_t size = 0; size < kHeaderBytes; ++size) {
    EXPECT_TRUE(absl::IsOutOfRange(ParseDhcp(Bytes(whole).first(size)).status())) << size;
  }
}

TEST(Dhcp, EveryTruncationInsideAnOptionIsRefusedAndBetweenTwoIsForgiven) {
  const Buffer whole = WithOptions(kOptions);
  // Where an option of kOptions ends; a missing 255 is forgiven there.
  const std::vector<std::size_t> whole_options = {0, 3, 14, 18, 23, 42};
  for (std::size_t size = kHeaderBytes; size < whole.size(); ++size) {
    const auto message = ParseDhcp(Bytes(whole).first(size));
    const auto at = std::find(whole_options.begin(), whole_options.end(), size - kHeaderBytes);
    if (at == whole_options.end()) {
      EXPECT_TRUE(absl::IsInvalidArgument(message.status())) << size;
    } else {
      ASSERT_TRUE(message.ok()) << size;
      EXPECT_EQ(message->options.size(), static_cast<std::size_t>(at - whole_options.begin()))
          << size;
    }
  }
}

TEST(Dhcp, WrongCookieIsNoDhcp) {
  Buffer bytes = WithOptions(kOptions);
  bytes[kHeaderBytes - 1] ^= 1;
  EXPECT_TRUE(absl::IsInvalidArgument(ParseDhcp(bytes).status()));
}

TEST(Dhcp, WhatFollowsTheEndOptionIsNotRead) {
  const auto message = ParseDhcp(WithOptions("35 01 01 ff 3c 09 50"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->options.size(), 1u);
}

TEST(Dhcp, PadsBetweenOptionsArePassedOver) {
  const auto message = ParseDhcp(WithOptions("00 00 35 01 01 00 5d 02 0007 ff"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->options.size(), 2u);
}

TEST(Dhcp, PartsOfAnOptionAreJoined) {  // RFC 3396.
  const auto message = ParseDhcp(WithOptions("43 02 6162 35 01 01 43 01 63 ff"));
  ASSERT_TRUE(message.ok());
  ASSERT_EQ(message->options.size(), 2u);
  const auto file = message->Option(dhcp_option::kBootfileName);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(std::string(file->begin(), file->end()), "abc");
}

TEST(Dhcp, LongOptionIsSplitAndJoinedAgain) {
  DhcpMessage message;
  message.AddText(dhcp_option::kBootfileName, std::string(600, 'x'));
  message.Add(dhcp_option::kMessageType, FromHex("02"));
  const Buffer bytes = EmitDhcp(message);
  EXPECT_EQ(bytes[kHeaderBytes], dhcp_option::kBootfileName);
  EXPECT_EQ(bytes[kHeaderBytes + 1], 255);
  EXPECT_EQ(bytes[kHeaderBytes + 257], dhcp_option::kBootfileName);
  const auto again = ParseDhcp(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, message);
}

TEST(Dhcp, EmptyOptionSurvives) {
  DhcpMessage message;
  message.Add(80, {});  // Rapid commit has no data (RFC 4039).
  const auto again = ParseDhcp(EmitDhcp(message));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, message);
}

TEST(Dhcp, JoiningHasALimit) {
  Buffer bytes = Header();
  for (int part = 0; part < 17; ++part) {  // 17 * 255 octets of one option.
    bytes.push_back(dhcp_option::kUserClass);
    bytes.push_back(255);
    bytes.insert(bytes.end(), 255, 0x41);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseDhcp(bytes).status()));
}

Buffer Overloaded(std::uint8_t fields, std::string_view file_hex, std::string_view sname_hex) {
  Buffer bytes = WithOptions("35 01 01 34 01 00 ff");
  bytes[kHeaderBytes + 5] = fields;
  const Buffer sname = FromHex(sname_hex);
  const Buffer file = FromHex(file_hex);
  std::fill(bytes.begin() + 44, bytes.begin() + 236, std::uint8_t{0});
  std::copy(sname.begin(), sname.end(), bytes.begin() + 44);
  std::copy(file.begin(), file.end(), bytes.begin() + 108);
  return bytes;
}

TEST(DhcpOverload, FileHoldsOptions) {
  const auto message = ParseDhcp(Overloaded(1, "5d 02 0007 ff", "6e616d65"));
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(message->Option(dhcp_option::kClientArch).has_value());
  EXPECT_EQ(message->boot_file, "");
  EXPECT_EQ(message->server_name, "name");
}

TEST(DhcpOverload, ServerNameHoldsOptions) {
  const auto message = ParseDhcp(Overloaded(2, "66696c65", "5d 02 0007 ff"));
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(message->Option(dhcp_option::kClientArch).has_value());
  EXPECT_EQ(message->boot_file, "file");
  EXPECT_EQ(message->server_name, "");
}

TEST(DhcpOverload, BothAreJoinedFileFirst) {
  const auto message = ParseDhcp(Overloaded(3, "4d 02 6162 ff", "4d 01 63 ff"));
  ASSERT_TRUE(message.ok());
  const auto user_class = message->Option(dhcp_option::kUserClass);
  ASSERT_TRUE(user_class.has_value());
  EXPECT_EQ(std::string(user_class->begin(), user_class->end()), "abc");
}

TEST(DhcpOverload, AnOverloadInsideTheFieldsIsNotFollowed) {
  // `file` says that `sname` holds options too: it is joined to option 52, which is then no single
  // octet.
  const auto message = ParseDhcp(Overloaded(1, "34 01 02 ff", "5d 02 0007 ff"));
  ASSERT_TRUE(message.ok());
  EXPECT_FALSE(message->Option(dhcp_option::kClientArch).has_value());
}

TEST(DhcpOverload, AnOptionMustNotRunOutOfItsField) {
  // 128 octets of `file`: the option says 200.
  EXPECT_TRUE(absl::IsInvalidArgument(ParseDhcp(Overloaded(1, "4d c8", "")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ParseDhcp(Overloaded(2, "", "4d 3f")).status()));
}

TEST(DhcpOverload, IsNeverSent) {
  const auto message = ParseDhcp(Overloaded(1, "5d 02 0007 ff", ""));
  ASSERT_TRUE(message.ok());
  const auto again = ParseDhcp(EmitDhcp(*message));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->Option(dhcp_option::kOverload).has_value());
  EXPECT_TRUE(again->Option(dhcp_option::kClientArch).has_value());
}

TEST(Dhcp, NamesThatFillTheirFieldEndWithIt) {
  Buffer bytes = WithOptions("ff");
  std::fill(bytes.begin() + 44, bytes.begin() + 236, std::uint8_t{'n'});
  const auto message = ParseDhcp(bytes);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->server_name, std::string(64, 'n'));
  EXPECT_EQ(message->boot_file, std::string(128, 'n'));
}

TEST(Dhcp, NamesThatDoNotFitAreCutAndEnded) {
  DhcpMessage message;
  message.server_name = std::string(70, 's');
  message.boot_file = std::string(200, 'f');
  const auto again = ParseDhcp(EmitDhcp(message));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->server_name, std::string(63, 's'));
  EXPECT_EQ(again->boot_file, std::string(127, 'f'));
}

TEST(Dhcp, AddressesThatAreNoMacAreNotTakenForOne) {
  DhcpMessage message = Sample();
  message.hardware_length = 16;  // EDK2 with SendGUID (field notes G15).
  EXPECT_FALSE(message.mac().has_value());
  message = Sample();
  message.hardware_type = 32;  // InfiniBand.
  EXPECT_FALSE(message.mac().has_value());
}

TEST(Dhcp, MessageTypeOfTheWrongLengthIsNone) {
  const auto message = ParseDhcp(WithOptions("35 02 0101 ff"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->type(), DhcpType::kNone);
}

}  // namespace
}  // namespace tentacle::wire
