// Shells without terminals: text from octets, recordings, orders and who may.
#include <fmt/format.h>

#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "services/agent/core/asciicast.h"
#include "services/agent/core/shell_order.h"
#include "services/agent/core/utf8.h"
#include "services/agent/core/utf8_stream.h"
#include "services/agent/limits.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
namespace json = boost::json;

TEST(Utf8Stream, EveryCutGivesTheSameText) {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x99z";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string got = stream.Feed(text.substr(0, first));
      EXPECT_EQ(ReplaceInvalidUtf8(got), got) << "each piece is a text by itself";
      got += stream.Feed(text.substr(first, second - first));
      got += stream.Feed(text.substr(second));
      got += stream.Finish();
      ASSERT_EQ(got, text) << first << " " << second;
    }
  }
}

TEST(Utf8Stream, WhatIsNoTextIsReplacedAndHoldsNothingUp) {
  Utf8Stream stream;
  EXPECT_EQ(stream.Feed("\xE2\x82"), "");
  EXPECT_EQ(stream.Feed("x"), "\xEF\xBF\xBD\xEF\xBF\xBDx");
  EXPECT_EQ(stream.Feed("\x80\x80\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(stream.Feed("\xF0\x9F"), "");
  EXPECT_EQ(stream.Finish(), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Asciicast, IsWhatPlayersRead) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  Asciicast cast(start, 80, 24, "root (a test)");
  cast.Output(start + absl::Milliseconds(1500), "hi \"\xE2\x82\xAC\"\r\n");
  cast.Resize(start + absl::Seconds(2), 100, 30);
  cast.Output(start - absl::Seconds(5), "a clock that was set back");
  EXPECT_EQ(
      cast.Take().data,
      "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1000,\"title\":\"root (a test)\","
      "\"env\":{\"TERM\":\"xterm-256color\"}}\n"
      "[1.500000, \"o\", \"hi \\\"\xE2\x82\xAC\\\"\\r\\n\"]\n"
      "[2.000000, \"r\", \"100x30\"]\n"
      "[0.000000, \"o\", \"a clock that was set back\"]\n");
}

TEST(Asciicast, ChunksChain) {
  Asciicast cast(absl::UnixEpoch(), 80, 24, "");
  const auto first = cast.Take();
  cast.Output(absl::UnixEpoch(), "x");
  const auto second = cast.Take();
  EXPECT_EQ(first.index, 0u);
  EXPECT_EQ(first.previous, "");
  EXPECT_EQ(first.digest, identity::Sha256Hex(first.data));
  EXPECT_EQ(second.index, 1u);
  EXPECT_EQ(second.previous, first.digest);
  EXPECT_EQ(second.digest, identity::Sha256Hex(first.digest + second.data));
  EXPECT_EQ(cast.last_digest(), second.digest);
  EXPECT_EQ(cast.total(), first.data.size() + second.data.size());
}

json::object GoodOrder() {
  return {{"session", std::string(32, 'a')},
          {"user", "www-data"},
          {"reason", "a look"},
          {"openedBy", "page"},
          {"cols", 100},
          {"rows", 30}};
}

TEST(ShellOrder, EachFieldIsNamed) {
  ASSERT_TRUE(ParseShellOrder(GoodOrder()).ok()) << ParseShellOrder(GoodOrder()).status();
  const auto why = [](const char* name, json::value value) {
    auto order = GoodOrder();
    order[name] = std::move(value);
    return std::string(ParseShellOrder(order).status().message());
  };
  EXPECT_THAT(why("session", "short"), HasSubstr("session"));
  EXPECT_THAT(why("session", json::string("../" + std::string(40, 'a'))), HasSubstr("session"));
  EXPECT_THAT(why("user", "root; id"), HasSubstr("user"));
  EXPECT_THAT(why("user", 0), HasSubstr("user"));
  EXPECT_THAT(why("reason", ""), HasSubstr("reason"));
  EXPECT_THAT(why("cols", 0), HasSubstr("cols"));
  EXPECT_THAT(why("rows", 1001), HasSubstr("rows"));
  EXPECT_THAT(why("rows", -1), HasSubstr("rows"));
}

TEST(ShellPolicy, TheOwnerOfTheHostHasTheLastWord) {
  const auto order = *ParseShellOrder(GoodOrder());
  EXPECT_THAT(std::string(MayOpenShell({}, order, 0).message()), HasSubstr("agent.shell_enabled"));
  EXPECT_THAT(std::string(MayOpenShell({true, {"root"}}, order, 0).message()),
              HasSubstr("agent.shell_users"));
  EXPECT_TRUE(MayOpenShell({true, {"root", "www-data"}}, order, 0).ok());
  EXPECT_TRUE(MayOpenShell({true, {}}, order, 0).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(MayOpenShell({true, {}}, order, limits::kMaxShells)));
}

}  // namespace
}  // namespace tentacle::agent
