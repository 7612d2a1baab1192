// The journal and the watched units: filters, entries, restarts, gaps; with programs that print
// what the real ones print.
#include "services/agent/core/journal.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "services/agent/core/unit_watch.h"
#include "services/agent/journal_reader.h"
#include "services/agent/limits.h"
#include "tests/unit/agent/agent_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
namespace json = boost::json;

std::string Line(int number, const std::string& more = "") {
  return fmt::format(
             R"({{"__CURSOR":"s=1;i={0}","__REALTIME_TIMESTAMP":"17000000000000{0:02}","PRIORITY":"3",)"
             R"("_SYSTEMD_UNIT":"ssh.service","SYSLOG_IDENTIFIER":"sshd","_PID":"812","MESSAGE":"line {0}"{1}}})",
             number, more) +
         "\n";
}

TEST(Journal, EntriesOfEveryKind) {
  const auto entries = ParseJournal(
      Line(1) + "no json\n" +
      R"({"__CURSOR":"b","MESSAGE":[104,255,105],"PRIORITY":"9","_COMM":"x"})" + "\n" +
      R"({"__CURSOR":"c","MESSAGE":null})" + "\n" + R"({"MESSAGE":"without a cursor"})" + "\n[]\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(
      json::serialize(JournalEntryJson(entries[0])),
      R"({"cursor":"s=1;i=1","time":"2023-11-14T22:13:20.000Z","priority":3,"unit":"ssh.service",)"
      R"("identifier":"sshd","pid":812,"message":"line 1"})");
  EXPECT_EQ(entries[1].message, "h\xEF\xBF\xBDi");
  EXPECT_EQ(entries[1].priority, 7u);
  EXPECT_EQ(entries[1].identifier, "x");
  EXPECT_EQ(entries[2].message, "");
  const auto cut =
      ParseJournal(R"({"__CURSOR":"d","MESSAGE":")" + std::string(10'000, 'x') + "\"}");
  EXPECT_EQ(cut.at(0).message.size(), limits::kMaxJournalMessageBytes);
}

TEST(Journal, FiltersAreArgumentsAndNoOptions) {
  const JournalFilter filter{{"ssh.service"}, {"_COMM=sshd"}, 5};
  EXPECT_TRUE(CheckJournalFilter(filter).ok());
  EXPECT_THAT(JournalArguments(filter, "", 1),
              ElementsAre("--no-pager", "--quiet", "-o", "json", "--all", "--priority", "5",
                          "--lines=1", "--unit=ssh.service", "_COMM=sshd"));
  EXPECT_THAT(JournalArguments(filter, "--flush", 1), Contains("--after-cursor=--flush"));
  for (const char* match : {"--rotate", "", "=x", "a=b", "_COMM", "-o"})
    EXPECT_FALSE(CheckJournalFilter({{}, {match}, 4}).ok()) << match;
  EXPECT_FALSE(CheckJournalFilter({{"ssh"}, {}, 4}).ok());
  EXPECT_FALSE(CheckJournalFilter({{}, {}, 8}).ok());
}

class JournalReaderTest : public ::testing::Test {
 protected:
  // A journalctl over the file "lines": what comes after the cursor; fails for one that it has not.
  void SetUp() override {
    std::ofstream(folder_ / "journalctl")
        << "#!/bin/sh\nlines=" << (folder_ / "lines")
        << "\nfor a; do case $a in --after-cursor=*) c=${a#*=} ;; esac; done\n"
        << "[ -n \"$c\" ] || { tail -n 1 \"$lines\"; exit 0; }\n"
        << "grep -q -F \"\\\"$c\\\"\" \"$lines\" || { echo 'Failed to seek to cursor' >&2; exit 1; "
           "}\n"
        << "sed \"0,/\\\"$c\\\"/d\" \"$lines\"\n";
    std::filesystem::permissions(folder_ / "journalctl", std::filesystem::perms(0700));
  }

  void Write(int from, int to) {
    std::ofstream file(folder_ / "lines", std::ios::app);
    for (int i = from; i <= to; ++i)
      file << Line(i);
  }

  std::shared_ptr<JournalReader> Reader(std::uint32_t per_minute = 1000) {
    auto reader = std::make_shared<JournalReader>(loop_.home(), loop_.pool(), clock_, log_,
                                                  metrics_, health_, store_, events_);
    JournalReader::Settings settings;
    settings.enabled = true;
    settings.entries_per_minute = per_minute;
    settings.journalctl = {folder_ / "journalctl"};
    settings.interval = absl::Seconds(1);
    reader->Configure(settings);
    reader->Start();
    return reader;
  }

  std::vector<std::string> Messages(std::size_t event) {
    std::vector<std::string> messages;
    const auto body = loop_.Run(events_.Nth("journal", event));
    for (const auto& entry : body.at("entries").as_array())
      messages.emplace_back(entry.at("message").as_string());
    return messages;
  }

  TempDir folder_;
  testing::TestLoop loop_;
  prometheus::Registry registry_;
  std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>(registry_);
  runtime::RealClock clock_;
  runtime::Log log_{"agent", runtime::LogLevel::kError};
  runtime::Health health_;
  testing::MemoryStore store_;
  testing::MemoryEvents events_{loop_.home()};
};

TEST_F(JournalReaderTest, GoesOnAfterARestartWithoutAGap) {
  Write(1, 3);
  auto reader = Reader();
  EXPECT_THAT(Messages(1), ElementsAre("line 3")) << "begins with the newest";
  reader->Stop();
  loop_.Finish();
  Write(4, 5);
  reader = Reader();
  EXPECT_THAT(Messages(2), ElementsAre("line 4", "line 5"));
  reader->Stop();
  loop_.Finish();
}

TEST_F(JournalReaderTest, WhatTheEventLogRefusedComesAgain) {
  Write(1, 1);
  events_.refusals = 1;
  auto reader = Reader();
  EXPECT_THAT(Messages(1), ElementsAre("line 1"));
  reader->Stop();
  loop_.Finish();
}

TEST_F(JournalReaderTest, APlaceThatIsGoneIsToldAsAGap) {
  Write(1, 1);
  static_cast<void>(store_.Apply({{"journal/cursor", "s=0;i=99"}}, false));
  auto reader = Reader();
  const auto event = loop_.Run(events_.Nth("journal", 1));
  EXPECT_THAT(std::string(event.at("gap").as_string()), ::testing::HasSubstr("no longer holds"));
  EXPECT_EQ(event.at("entries").as_array().size(), 1u);
  reader->Stop();
  loop_.Finish();
}

TEST_F(JournalReaderTest, BatchesAreBoundedAndTheAllowanceHoldsWithoutLoss) {
  Write(1, 1);
  auto reader = Reader(120);
  Messages(1);
  reader->Stop();
  loop_.Finish();
  Write(2, 99);
  reader = Reader(60);
  EXPECT_EQ(Messages(2).size(), limits::kMaxJournalBatch);
  EXPECT_EQ(Messages(3).size(), 60 - limits::kMaxJournalBatch);
  reader->Stop();
  loop_.Finish();
  reader = Reader(1000);
  EXPECT_EQ(Messages(4).front(), "line 62") << "what was over the allowance comes later";
  reader->Stop();
  loop_.Finish();
}

TEST_F(JournalReaderTest, AHostWithoutJournalctl) {
  auto reader = Reader();
  JournalReader::Settings settings;
  settings.enabled = true;
  settings.entries_per_minute = 10;
  settings.journalctl = {"/no/such/journalctl"};
  reader->Configure(settings);
  reader->Stop();
  loop_.Finish();
  EXPECT_EQ(events_.Count("journal"), 0u);
}

TEST(UnitWatch, TellsChangesAndStartsAgainAFewTimes) {
  const std::vector<WatchedUnit> units{*ParseWatchedUnit("restart:a.service"),
                                       *ParseWatchedUnit("b.service")};
  UnitWatch watch;
  absl::Time now = absl::UnixEpoch();
  EXPECT_TRUE(watch.Look(units, ParseIsActive(units, "active\nactive\n"), now).changes.empty());
  auto step = watch.Look(units, ParseIsActive(units, "failed\ninactive\n"), now);
  ASSERT_EQ(step.changes.size(), 2u);
  EXPECT_EQ(step.changes[0].state, "failed");
  EXPECT_THAT(step.starts, ElementsAre("a.service"));
  EXPECT_TRUE(watch.Look(units, ParseIsActive(units, "failed\ninactive\n"), now + absl::Minutes(1))
                  .starts.empty());
  int starts = 1;
  for (int i = 1; i < 10; ++i)
    starts += static_cast<int>(watch
                                   .Look(units, ParseIsActive(units, "failed\ninactive\n"),
                                         now + i * UnitWatch::kStartPause)
                                   .starts.size());
  EXPECT_EQ(starts, UnitWatch::kStarts);
  now += 20 * UnitWatch::kStartPause;
  step = watch.Look(units, ParseIsActive(units, "active\n"), now);
  EXPECT_EQ(step.changes.size(), 2u) << "b is not in the answer: unknown";
  EXPECT_THAT(watch.Look(units, ParseIsActive(units, "failed\nactive\n"), now).starts,
              ElementsAre("a.service"));
}

TEST(UnitWatch, NamesThatAreNone) {
  for (const char* text : {"", "nginx", "restart:", "--now", "restart:-x.service", "a b.service"})
    EXPECT_FALSE(ParseWatchedUnit(text).ok()) << text;
}

}  // namespace
}  // namespace tentacle::agent
