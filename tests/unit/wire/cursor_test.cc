#include <gtest/gtest.h>

#include "libs/wire/reader.h"
#include "libs/wire/writer.h"
#include "tests/unit/wire/hex.h"

namespace tentacle::wire {
namespace {

using tentacle::testing::FromHex;

TEST(Reader, ReadsBigEndian) {
  const Buffer bytes = FromHex("01 0203 04050607 0809");
  Reader in(bytes);
  EXPECT_EQ(in.U8(), 0x01);
  EXPECT_EQ(in.U16(), 0x0203);
  EXPECT_EQ(in.U32(), 0x04050607u);
  EXPECT_EQ(in.Array<2>(), (std::array<std::uint8_t, 2>{8, 9}));
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(Reader, ShortReadTurnsItBadForGood) {
  const Buffer bytes = FromHex("010203");
  Reader in(bytes);
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(),
            0);  // Not the octet that is left: half a field must never become another field.
  EXPECT_TRUE(in.Take(0).empty());
  EXPECT_FALSE(in.ok());
}

TEST(Reader, TakeBeyondTheEndTakesNothing) {
  const Buffer bytes = FromHex("0102");
  Reader in(bytes);
  EXPECT_TRUE(in.Take(3).empty());
  EXPECT_FALSE(in.ok());
}

TEST(Writer, WritesWhatTheReaderReads) {
  Writer out;
  out.U8(0x01);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.Text("hi");
  out.PadTo(12);
  EXPECT_EQ(out.Finish(), FromHex("01 0203 04050607 6869 000000"));
}

TEST(Writer, PaddingNeverCuts) {
  Writer out;
  out.Text("hello");
  out.PadTo(2);
  EXPECT_EQ(out.size(), 5u);
}

}  // namespace
}  // namespace tentacle::wire
