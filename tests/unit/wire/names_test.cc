// Names from multicast DNS and NetBIOS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/wire/dns.h"
#include "libs/wire/netbios.h"
#include "libs/wire/writer.h"
#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using ::testing::ElementsAre;
using testing::FromHex;
using testing::FromText;
using ::testing::SizeIs;
using testing::ToHex;

constexpr char kResponseHeader[] = "0000 8400 0000 0001 0000 0000";

// printer.local A 10.0.0.9, as an announcement.
Buffer Announcement() {
  Buffer bytes = FromHex(kResponseHeader);
  const Buffer rest =
      FromHex("07 7072696e746572 05 6c6f63616c 00 0001 8001 00000078 0004 0a000009");
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

TEST(Dns, ReadsAnAnnouncement) {
  const Buffer bytes = Announcement();
  const auto message = ParseDns(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->is_response());
  ASSERT_THAT(message->records, SizeIs(1));
  EXPECT_THAT(message->records[0].name, ElementsAre("printer", "local"));
  EXPECT_EQ(message->records[0].type, dns_type::kA);
  EXPECT_EQ(message->records[0].ttl_s, 120u);
  EXPECT_EQ(ToHex(message->records[0].data), "0a000009");
}

TEST(Dns, FollowsPointersBack) {
  // Question "a.local", then a record whose name points at it.
  const Buffer bytes = FromHex(
      "0000 8400 0001 0001 0000 0000  01 61 05 6c6f63616c 00 00ff 0001"
      "  01 62 c00e 0001 0001 00000000 0000  ");
  const auto message = ParseDns(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_THAT(message->questions[0].name, ElementsAre("a", "local"));
  EXPECT_THAT(message->records[0].name, ElementsAre("b", "local"));
}

TEST(Dns, LoopsOfPointersAreRefused) {
  const Buffer to_itself = FromHex("0000 8400 0001 0000 0000 0000  c00c 0001 0001");
  EXPECT_FALSE(ParseDns(to_itself).ok());
  const Buffer forwards = FromHex("0000 8400 0001 0000 0000 0000  c00e 00 0001 0001");
  EXPECT_FALSE(ParseDns(forwards).ok());
  // Two that point at each other: the label in between makes the second one point forward.
  const Buffer each_other = FromHex("0000 8400 0001 0000 0000 0000  01 61 c00c 0001 0001");
  EXPECT_FALSE(ParseDns(each_other).ok());
}

TEST(Dns, ANameOfMoreThan255OctetsIsRefused) {
  Buffer bytes = FromHex("0000 0000 0001 0000 0000 0000");
  for (int label = 0; label < 255; ++label) {
    bytes.push_back(1);
    bytes.push_back('x');
  }
  bytes.push_back(0);
  for (int i = 0; i < 4; ++i)
    bytes.push_back(0);
  EXPECT_FALSE(ParseDns(bytes).ok());
}

TEST(Dns, ABombOfRecordsIsReadInPart) {
  Buffer bytes = FromHex("0000 8400 0000 ffff 0000 0000");
  for (int i = 0; i < 1000; ++i) {
    const Buffer record = FromHex("00 0001 0001 00000000 0000");
    bytes.insert(bytes.end(), record.begin(), record.end());
  }
  const auto message = ParseDns(bytes);
  ASSERT_TRUE(message.ok());
  EXPECT_THAT(message->records, SizeIs(kMaxDnsEntries));
}

TEST(Dns, EveryTruncationIsRefused) {
  const Buffer bytes = Announcement();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseDns(Bytes(bytes).first(size)).ok()) << size;
  }
}

// "WORKSTATION" in half-octets, filled up with blanks.
std::string HalfOctets(std::string name, std::uint8_t suffix) {
  name.resize(15, ' ');
  name.push_back(static_cast<char>(suffix));
  std::string out;
  for (const char c : name) {
    out += static_cast<char>('A' + (static_cast<unsigned char>(c) >> 4));
    out += static_cast<char>('A' + (c & 0xf));
  }
  return out;
}

// A registration (RFC 1002 section 4.2.2) of `name` for 10.0.0.7.
Buffer Registration(const std::string& label, std::uint16_t flags) {
  Writer out;
  out.Append(FromHex("1234 2910 0001 0000 0000 0001 20"));
  out.Text(label);
  out.Append(FromHex("00 0020 0001  c00c 0020 0001 000493e0 0006"));
  out.U16(flags);
  out.U32(0x0a000007);
  return out.Finish();
}

TEST(Netbios, ReadsARegistration) {
  const auto message =
      ParseNetbios(Registration(HalfOctets("WORKSTATION", kNetbiosWorkstation), 0));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->operation, NetbiosOperation::kRegistration);
  EXPECT_FALSE(message->response);
  EXPECT_EQ(message->name.name, "WORKSTATION");
  EXPECT_EQ(message->name.suffix, kNetbiosWorkstation);
  EXPECT_FALSE(message->name.group);
  EXPECT_THAT(message->name.addresses, ElementsAre(0x0a000007u));
}

TEST(Netbios, AGroupIsTold) {
  const auto message = ParseNetbios(Registration(HalfOctets("OFFICE", 0x1e), 0x8000));
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(message->name.group);
}

TEST(Netbios, AQuestionHasNoAddresses) {
  Writer out;
  out.Append(FromHex("1234 0110 0001 0000 0000 0000 20"));
  out.Text(HalfOctets("SERVER", kNetbiosServer));
  out.Append(FromHex("00 0020 0001"));
  const auto message = ParseNetbios(out.Finish());
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->operation, NetbiosOperation::kQuery);
  EXPECT_EQ(message->name.name, "SERVER");
  EXPECT_THAT(message->name.addresses, ::testing::IsEmpty());
}

TEST(Netbios, WhatIsNoHalfOctetIsRefused) {
  EXPECT_FALSE(ParseNetbios(Registration(std::string(32, 'Q'), 0)).ok());
}

TEST(Netbios, EveryTruncationIsRefused) {
  const Buffer bytes = Registration(HalfOctets("W", 0), 0);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseNetbios(Bytes(bytes).first(size)).ok()) << size;
  }
}

}  // namespace
}  // namespace tentacle::wire
