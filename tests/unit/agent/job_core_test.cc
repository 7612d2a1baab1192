// Jobs without processes: their states, what is kept of their output, how they are written down.
#include <fmt/format.h>

#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/fields.h"
#include "services/agent/core/job_end.h"
#include "services/agent/core/job_output.h"
#include "services/agent/core/job_record.h"
#include "services/agent/core/job_state.h"
#include "services/agent/core/utf8.h"
#include "services/agent/limits.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kReplaced[] = "\xEF\xBF\xBD";

TEST(JobState, EveryStateAndEvent) {
  std::string matrix;
  for (const JobState state : kJobStates) {
    for (const JobEvent event : kJobEvents) {
      const auto next = NextState(state, event);
      matrix +=
          fmt::format("{:<12} {:<14} {}\n", Name(state), Name(event), next ? Name(*next) : "-");
    }
  }
  testing::ExpectGolden(tentacle::testing::DataDir() + "/../unit/agent/job_state_matrix.txt",
                        matrix);
}

TEST(JobState, NothingLeavesAnEnd) {
  for (const JobState state : kJobStates) {
    for (const JobEvent event : kJobEvents) {
      EXPECT_TRUE(!IsFinal(state) || !NextState(state, event)) << Name(state) << " " << Name(event);
    }
  }
}

TEST(JobState, NamesAreReadBack) {
  for (const JobState state : kJobStates)
    EXPECT_EQ(JobStateFromName(Name(state)), state);
  EXPECT_EQ(JobStateFromName("dead"), std::nullopt);
  EXPECT_EQ(JobStateFromName(""), std::nullopt);
}

TEST(Utf8, WellFormedTextStaysAsItIs) {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x99\n\t";
  EXPECT_EQ(ReplaceInvalidUtf8(text), text);
}

TEST(Utf8, EveryForbiddenFormIsReplaced) {
  const auto replaced = [](std::string_view bytes) { return ReplaceInvalidUtf8(bytes); };
  EXPECT_EQ(replaced("\x80"), kReplaced);                                    // A lone continuation.
  EXPECT_EQ(replaced("\xC0\xAF"), fmt::format("{0}{0}", kReplaced));         // Overlong '/'.
  EXPECT_EQ(replaced("\xE0\x80\x80"), fmt::format("{0}{0}{0}", kReplaced));  // Overlong NUL.
  EXPECT_EQ(replaced("\xED\xA0\x80"), fmt::format("{0}{0}{0}", kReplaced));  // A surrogate.
  EXPECT_EQ(replaced("\xF4\x90\x80\x80"),
            fmt::format("{0}{0}{0}{0}", kReplaced));  // Beyond U+10FFFF.
  EXPECT_EQ(replaced("\xF5"), kReplaced);
  EXPECT_EQ(replaced("\xE2\x82"), fmt::format("{0}{0}", kReplaced));  // Cut off.
  EXPECT_EQ(replaced("\xE2\x82x"), fmt::format("{0}{0}x", kReplaced));
  EXPECT_EQ(replaced(std::string_view("a\0b", 3)), fmt::format("a{}b", kReplaced));
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(CutUtf8("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(TailUtf8("\xE2\x82\xAC"
                     "b",
                     3),
            "b");
  EXPECT_EQ(TailUtf8("\xE2\x82\xAC"
                     "b",
                     4),
            "\xE2\x82\xAC"
            "b");
  EXPECT_EQ(CutUtf8("\x80\x80\x80\x80\x80\x80", 5).size(), 5u);  // No character: cut anywhere.
}

TEST(Fields, NumbersAreWholeOrNothing) {
  EXPECT_EQ(ToU64("18446744073709551615"), 18446744073709551615ull);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "1.5"}) {
    EXPECT_EQ(ToU64(text), std::nullopt) << text;
  }
  EXPECT_EQ(CleanField(std::string(1000, 'x')).size(), limits::kMaxFieldBytes);
}

TEST(JobOutput, ShortOutputIsKeptWhole) {
  JobOutput output(8);
  output.Append("ab");
  output.Append("");
  output.Append("cd");
  EXPECT_EQ(output.Text(), "abcd");
  EXPECT_EQ(output.total_bytes(), 4u);
}

TEST(JobOutput, LongOutputKeepsItsEndAndItsCount) {
  JobOutput output(4);
  for (int i = 0; i < 1000; ++i)
    output.Append(fmt::format("{:03}", i));
  EXPECT_EQ(output.Raw(), "8999");
  EXPECT_EQ(output.total_bytes(), 3000u);
  output.Append("one piece longer than what is kept");
  EXPECT_EQ(output.Raw(), "kept");
}

TEST(JobOutput, EverySizeOfPieceGivesTheSameTail) {
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += static_cast<char>('a' + (i * 7) % 26);
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    JobOutput output(37);
    for (std::size_t at = 0; at < all.size(); at += piece)
      output.Append(std::string_view(all).substr(at, piece));
    ASSERT_EQ(output.Raw(), std::string_view(all).substr(all.size() - 37)) << piece;
    ASSERT_EQ(output.total_bytes(), all.size());
  }
}

TEST(JobOutput, CutInsideACharacterBeginsWithTheNext) {
  JobOutput output(5);
  output.Append(
      "xx\xE2\x82\xAC"
      "abc");
  EXPECT_EQ(output.Text(), "abc");
}

TEST(JobOutput, BinaryBecomesText) {
  JobOutput output(16);
  output.Append(
      std::string_view("\x7f"
                       "ELF\0\xff\xfe",
                       7));
  EXPECT_EQ(output.Text(), fmt::format("\x7f"
                                       "ELF{0}{0}{0}",
                                       kReplaced));
  EXPECT_EQ(output.total_bytes(), 7u);
}

TEST(JobOutput, TwoOfTheWorstFitIntoAMessage) {
  JobOutput output(limits::kJobOutputKeptBytes);
  output.Append(std::string(limits::kJobOutputKeptBytes, '\x01'));
  JobRecord record;
  record.request.id = "worst";
  EXPECT_LT(JobResultJson(record, {output.Text(), output.Text()}).size(), 1000u * 1000u);
}

JobRecord GoodRecord() {
  JobRecord record;
  record.request.id = "8a1f-1";
  record.request.interpreter = "/bin/bash";
  record.request.script = "true";
  return record;
}

TEST(JobRecord, IsReadBackAsItWasWritten) {
  JobRecord record;
  record.request.id = "id-1";
  record.attempt = 3;
  record.due_at = absl::FromUnixMillis(9);
  record.sequence = 18446744073709551615ull;
  record.state = JobState::kTimedOut;
  record.accepted_at = absl::FromUnixMillis(1);
  record.started_at = absl::FromUnixMillis(2);
  record.ended_at = absl::FromUnixMillis(3);
  record.exit_code = 143;
  record.stdout_bytes = 10ull << 40;
  record.stderr_bytes = 7;
  record.reason = "too long";
  record.reported = true;
  const auto read = DecodeJob(EncodeJob(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(EncodeJob(*read), EncodeJob(record));
  EXPECT_EQ(read->attempt, 3u);
  EXPECT_EQ(read->due_at, record.due_at);
  EXPECT_EQ(read->sequence, record.sequence);
  EXPECT_EQ(read->state, record.state);
  EXPECT_EQ(read->stdout_bytes, record.stdout_bytes);
  EXPECT_TRUE(read->reported);
}

TEST(JobRecord, AJobThatWaitsIsKeptWhole) {
  JobRecord record = GoodRecord();
  record.request.script = "echo \"\xE2\x82\xAC\"\n";
  record.request.environment = {{"A", "b"}};
  record.request.retries = 2;
  const auto read = DecodeJob(EncodeJob(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->request, record.request);
}

TEST(JobRecord, EndingKeepsOnlyTheId) {
  JobRecord record = GoodRecord();
  EXPECT_TRUE(EndJob(record, NotRun(JobEvent::kCancel, "no"), absl::FromUnixMillis(5)));
  EXPECT_FALSE(EndJob(record, NotRun(JobEvent::kCancel, "again"), absl::FromUnixMillis(6)));
  EXPECT_EQ(record.reason, "no");
  JobRequest only_id;
  only_id.id = "8a1f-1";
  EXPECT_EQ(record.request, only_id);
  EXPECT_EQ(EncodeJob(record).find("script"), std::string::npos);
}

TEST(JobRecord, EveryTruncationIsRefused) {
  const std::string whole = EncodeJob(GoodRecord());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(DecodeJob(whole.substr(0, length)).status().code(), absl::StatusCode::kDataLoss)
        << length;
  }
}

TEST(JobRecord, EveryMissingFieldIsRefused) {
  const auto whole = boost::json::parse(EncodeJob(GoodRecord())).as_object();
  for (const auto& field : whole) {
    auto part = whole;
    part.erase(field.key());
    EXPECT_FALSE(DecodeJob(boost::json::serialize(part)).ok()) << field.key();
    part[field.key()] = boost::json::array();
    EXPECT_FALSE(DecodeJob(boost::json::serialize(part)).ok()) << field.key();
  }
}

TEST(JobResult, HasTheFieldsOfTheWire) {
  JobRecord record;
  record.request.id = "id-1";
  record.state = JobState::kFailed;
  record.started_at = absl::FromUnixMillis(1000);
  record.ended_at = absl::FromUnixMillis(2500);
  record.exit_code = 3;
  record.reason = "the script ended with exit code 3";
  EXPECT_EQ(
      JobResultJson(record, {"out", "err"}),
      R"({"jobId":"id-1","status":"failed","success":false,"exitCode":3,"stdout":"out","stderr":"err",)"
      R"("errorMessage":"the script ended with exit code 3","durationMs":1500,"attempts":0,)"
      R"("stdoutBytes":0,"stderrBytes":0})");
}

TEST(JobResult, ClockThatWasSetBackGivesNoNegativeDuration) {
  JobRecord record;
  record.request.id = "id-1";
  record.started_at = absl::FromUnixMillis(9000);
  record.ended_at = absl::FromUnixMillis(1000);
  EXPECT_THAT(JobResultJson(record, {}), HasSubstr("\"durationMs\":0"));
}

TEST(Judge, EndsAndTheirSentences) {
  ProcessEnd end;
  end.exited = true;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).event, JobEvent::kExitZero);
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason, "");
  end.exit_code = 7;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).event, JobEvent::kExitNonZero);
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason, "the script ended with exit code 7");
  end.exit_code = 0;
  end.signal = 11;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).exit_code, 139);
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason, "the script was killed by signal 11 (SIGSEGV)");
  end.signal = 34;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason, "the script was killed by signal 34");
  end.signal = 9;
  end.cause = ProcessEnd::Cause::kDeadline;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).event, JobEvent::kDeadline);
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason,
            "the script ran longer than 5s; it was killed by signal 9 (SIGKILL)");
  end.cause = ProcessEnd::Cause::kCancelled;
  end.signal = 0;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).event, JobEvent::kCancel);
  EXPECT_EQ(Judge(end, absl::Seconds(5)).reason,
            "the job was cancelled; it ended with exit code 0");
  end.exited = false;
  EXPECT_EQ(Judge(end, absl::Seconds(5)).exit_code, JobRecord::kNoExitCode);
  EXPECT_THAT(Judge(end, absl::Seconds(5), true).reason, HasSubstr("limits.memoryBytes"));
}

}  // namespace
}  // namespace tentacle::agent
