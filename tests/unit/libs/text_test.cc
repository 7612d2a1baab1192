// What strangers call themselves, made fit to be shown.
#include <string>

#include <gtest/gtest.h>

#include "libs/text/csv.h"
#include "libs/text/display.h"
#include "libs/text/dot.h"

namespace tentacle::text {
namespace {

std::string Shown(std::string_view bytes) {
  return DisplayText(bytes, 64);
}

TEST(DisplayText, KeepsWhatIsText) {
  EXPECT_EQ(Shown("printer-2"), "printer-2");
  EXPECT_EQ(Shown("Büro – 東京 😀"), "Büro – 東京 😀");
  EXPECT_EQ(Shown("<b>&amp;"), "<b>&amp;");  // Escaping is the page's business.
}

TEST(DisplayText, ControlCharactersBecomeBlanks) {
  EXPECT_EQ(Shown(std::string_view("a\nb\x1b[31mc\0d", 11)), "a b [31mc d");
  EXPECT_EQ(Shown("a\x7f\xc2\x85"
                  "b\xe2\x80\xa8"
                  "c"),
            "a  b c");
  EXPECT_EQ(Shown(" \t name \r\n"), "name");
}

TEST(DisplayText, WhatIsNoCharacterIsReplaced) {
  EXPECT_EQ(Shown("a\xff"
                  "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Shown("\xc0\xaf"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // Overlong.
  EXPECT_EQ(Shown("\xed\xa0\x80").size(), 9u);               // A surrogate.
  EXPECT_EQ(Shown("\xf4\x90\x80\x80").size(), 12u);          // Beyond U+10FFFF.
  EXPECT_EQ(Shown("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // Cut short.
}

TEST(DisplayText, WhatCannotBeSeenIsLeftOut) {
  EXPECT_EQ(Shown("safe\xe2\x80\xae"
                  "gpj.exe"),
            "safegpj.exe");
  EXPECT_EQ(Shown("a\xe2\x80\x8b"
                  "b\xef\xbb\xbf"),
            "ab");
}

TEST(DisplayText, IsCutBetweenCharacters) {
  EXPECT_EQ(DisplayText("ab\xc3\xbc", 3), "ab");
  EXPECT_EQ(DisplayText("ab\xc3\xbc", 4), "ab\xc3\xbc");
  EXPECT_EQ(DisplayText("ab cd", 3), "ab");
}

TEST(Csv, FieldsAreQuoted) {
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(CsvLine({"a", "", "b"}), "\"a\",\"\",\"b\"\r\n");
}

TEST(Csv, NoFieldIsAFormula) {
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|cmd", "%x",
                              "\xEF\xBC\x9D"
                              "1"}) {
    EXPECT_EQ(CsvField(formula).substr(0, 2), "\"'") << formula;
  }
  EXPECT_EQ(CsvField("10.0.0.1"), "\"10.0.0.1\"");
  EXPECT_EQ(CsvField("a=b"), "\"a=b\"");
}

TEST(Dot, NoNameEndsItsString) {
  EXPECT_EQ(DotString("a\"];evil->b[\\"), "\"a\\\"];evil->b[\\\\\"");
  EXPECT_EQ(DotString("two\nlines"), "\"twolines\"");
}

}  // namespace
}  // namespace tentacle::text
