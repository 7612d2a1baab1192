#include "libs/wire/tftp.h"

#include <gtest/gtest.h>

#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using tentacle::testing::FromHex;
using tentacle::testing::FromText;

// A C string literal with its inner NULs.
template <std::size_t N>
Buffer Raw(const char (&text)[N]) {
  return FromText(std::string_view(text, N - 1));
}

const TftpRequest& Request(const absl::StatusOr<TftpPacket>& packet) {
  return std::get<TftpRequest>(*packet);
}

TEST(TftpCodec, ReadRequestWithOptions) {
  const Buffer bytes =
      Raw("\0\1undionly.kpxe\0octet\0blksize\0"
          "1432\0tsize\0"
          "0\0");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  const TftpRequest want{false, "undionly.kpxe", "octet", {{"blksize", "1432"}, {"tsize", "0"}}};
  EXPECT_EQ(Request(packet), want);
  EXPECT_EQ(EmitTftp(want), bytes);
}

TEST(TftpCodec, WriteRequestIsToldApart) {
  const Buffer bytes = Raw("\0\2file\0octet\0");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_TRUE(Request(packet).write);
  EXPECT_EQ(EmitTftp(*packet), bytes);
}

TEST(TftpCodec, ModeAndOptionNamesAreCaseless) {
  const auto packet =
      ParseTftp(Raw("\0\1File\0OCTET\0BlkSize\0"
                    "8\0"));
  ASSERT_TRUE(packet.ok());
  const TftpRequest want{false, "File", "octet", {{"blksize", "8"}}};
  EXPECT_EQ(Request(packet), want);
}

TEST(TftpCodec, DataRoundTrip) {
  const Buffer bytes = FromHex("0003 fffe 00ff10");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<TftpData>(*packet), (TftpData{0xfffe, FromHex("00ff10")}));
  EXPECT_EQ(EmitTftp(*packet), bytes);
}

TEST(TftpCodec, EmptyDataIsTheEndOfAFile) {
  const auto packet = ParseTftp(FromHex("0003 0001"));
  ASSERT_TRUE(packet.ok());
  EXPECT_TRUE(std::get<TftpData>(*packet).data.empty());
}

TEST(TftpCodec, AckRoundTrip) {
  const Buffer bytes = FromHex("0004 0102");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<TftpAck>(*packet).block, 0x0102);
  EXPECT_EQ(EmitTftp(*packet), bytes);
}

TEST(TftpCodec, ErrorRoundTrip) {
  const Buffer bytes = Raw("\0\5\0\1file not found\0");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<TftpError>(*packet),
            (TftpError{TftpErrorCode::kFileNotFound, "file not found"}));
  EXPECT_EQ(EmitTftp(*packet), bytes);
}

TEST(TftpCodec, ErrorWithoutAnEndedTextIsStillAnError) {
  const auto packet = ParseTftp(Raw("\0\5\0\10aborted"));
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<TftpError>(*packet).code, TftpErrorCode::kOptionRefused);
}

TEST(TftpCodec, OackRoundTrip) {
  const Buffer bytes =
      Raw("\0\6blksize\0"
          "1432\0");
  const auto packet = ParseTftp(bytes);
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<TftpOack>(*packet), (TftpOack{{{"blksize", "1432"}}}));
  EXPECT_EQ(EmitTftp(*packet), bytes);
}

TEST(TftpCodec, EveryTruncationOfARequestUpToItsModeIsRefused) {
  const Buffer whole = Raw("\0\1undionly.kpxe\0octet\0");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseTftp(Bytes(whole).first(size)).ok()) << size;
  }
}

TEST(TftpCodec, TruncatedOptionValueIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ParseTftp(Raw("\0\1f\0octet\0blksize\0"
                                                    "14"))
                                          .status()));
}

TEST(TftpCodec, EveryTruncationOfTheNumberedPacketsIsRefused) {
  for (const char* hex : {"00030001", "00040001", "00050001"}) {
    const Buffer whole = FromHex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_TRUE(absl::IsOutOfRange(ParseTftp(Bytes(whole).first(size)).status())) << hex << size;
    }
  }
}

TEST(TftpCodec, RubbishBehindTheModeIsPassedOver) {  // Old ROMs (field notes G33).
  const auto packet = ParseTftp(Raw("\0\1undionly.kpxe\0octet\0\377"));
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(Request(packet).file, "undionly.kpxe");
  EXPECT_TRUE(Request(packet).options.empty());
}

TEST(TftpCodec, UnknownOpcodeIsRefused) {
  for (const char* hex : {"0000", "0007", "0100", "ffff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTftp(FromHex(hex)).status())) << hex;
  }
}

TEST(TftpCodec, NamesHaveALimit) {
  const auto request = [](std::size_t length) {
    return EmitTftp(TftpRequest{false, std::string(length, 'a'), "octet", {}});
  };
  EXPECT_TRUE(ParseTftp(request(kMaxTftpTextBytes)).ok());
  EXPECT_FALSE(ParseTftp(request(kMaxTftpTextBytes + 1)).ok());
}

TEST(TftpCodec, OptionsHaveALimit) {
  const auto request = [](std::size_t count) {
    return EmitTftp(TftpRequest{false, "f", "octet", TftpOptionList(count, {"x", "1"})});
  };
  EXPECT_TRUE(ParseTftp(request(kMaxTftpOptions)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ParseTftp(request(kMaxTftpOptions + 1)).status()));
}

}  // namespace
}  // namespace tentacle::wire
