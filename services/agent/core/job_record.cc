#include "services/agent/core/job_record.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "services/agent/core/utf8.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

constexpr int kFormat = 1;

std::int64_t Milliseconds(absl::Time time) {
  return absl::ToUnixMillis(time);
}

// Reads fields of one type each and remembers whether one was missing.
class FieldReader {
 public:
  explicit FieldReader(const json::object& object) : object_(object) {}

  std::string Text(const char* key) {
    const auto* value = object_.if_contains(key);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) return Miss<std::string>();
    return {text->data(), text->size()};
  }

  template <class Int>
  Int Number(const char* key) {
    const auto* value = object_.if_contains(key);
    boost::system::error_code error;
    const Int number = value == nullptr ? Int{} : value->to_number<Int>(error);
    return value == nullptr || error ? Miss<Int>() : number;
  }

  bool Flag(const char* key) {
    const auto* value = object_.if_contains(key);
    const auto* flag = value == nullptr ? nullptr : value->if_bool();
    return flag == nullptr ? Miss<bool>() : *flag;
  }

  bool ok() const { return ok_; }

 private:
  template <class Value>
  Value Miss() {
    ok_ = false;
    return {};
  }

  const json::object& object_;
  bool ok_ = true;
};

bool HasControlCharacter(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

}  // namespace

bool Advance(JobRecord& record, JobEvent event) {
  const auto next = NextState(record.state, event);
  if (next) record.state = *next;
  return next.has_value();
}

bool IsJobId(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !id.empty() && id.size() <= limits::kMaxJobIdBytes && id.front() != '.' &&
         id.find_first_not_of(kAllowed) == std::string_view::npos;
}

absl::StatusOr<JobRequest> CheckJob(JobRequest request) {
  if (!IsJobId(request.id)) {
    return absl::InvalidArgumentError("id: letters, digits, '.', '_' and '-' only, 128 at most");
  }
  if (request.interpreter.empty()) request.interpreter = "/bin/sh";
  if (!request.interpreter.starts_with('/') ||
      request.interpreter.size() > limits::kMaxInterpreterBytes ||
      HasControlCharacter(request.interpreter)) {
    return absl::InvalidArgumentError("interpreter: not an absolute path");
  }
  // The wire is JSON, so a script is text; the store's record of it is JSON as well.
  if (ReplaceInvalidUtf8(request.script) != request.script) {
    return absl::InvalidArgumentError("script: not a text (invalid UTF-8 or a NUL in it)");
  }
  if (request.script.empty()) return absl::InvalidArgumentError("script: empty");
  if (request.script.size() > limits::kMaxScriptBytes) {
    return absl::InvalidArgumentError(fmt::format("script: {} bytes, allowed are {}",
                                                  request.script.size(), limits::kMaxScriptBytes));
  }
  if (request.timeout == absl::ZeroDuration()) request.timeout = limits::kDefaultJobTimeout;
  if (request.timeout < absl::ZeroDuration() || request.timeout > limits::kMaxJobTimeout) {
    return absl::InvalidArgumentError("timeout: negative or more than a day");
  }
  return request;
}

std::string EncodeJob(const JobRecord& record) {
  return json::serialize(json::object{
      {"format", kFormat},
      {"id", record.request.id},
      {"interpreter", record.request.interpreter},
      {"script", record.request.script},
      {"timeoutMs", absl::ToInt64Milliseconds(record.request.timeout)},
      {"sequence", record.sequence},
      {"state", Name(record.state).data()},
      {"acceptedAtMs", Milliseconds(record.accepted_at)},
      {"startedAtMs", Milliseconds(record.started_at)},
      {"endedAtMs", Milliseconds(record.ended_at)},
      {"exitCode", record.exit_code},
      {"stdoutBytes", record.stdout_bytes},
      {"stderrBytes", record.stderr_bytes},
      {"reason", record.reason},
      {"reported", record.reported},
  });
}

absl::StatusOr<JobRecord> DecodeJob(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse({text.data(), text.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return absl::DataLossError("job record: no JSON object");
  FieldReader in(*object);
  if (in.Number<int>("format") != kFormat) return absl::DataLossError("job record: unknown format");
  JobRecord record;
  record.request.id = in.Text("id");
  record.request.interpreter = in.Text("interpreter");
  record.request.script = in.Text("script");
  record.request.timeout = absl::Milliseconds(in.Number<std::int64_t>("timeoutMs"));
  record.sequence = in.Number<std::uint64_t>("sequence");
  const auto state = JobStateFromName(in.Text("state"));
  record.accepted_at = absl::FromUnixMillis(in.Number<std::int64_t>("acceptedAtMs"));
  record.started_at = absl::FromUnixMillis(in.Number<std::int64_t>("startedAtMs"));
  record.ended_at = absl::FromUnixMillis(in.Number<std::int64_t>("endedAtMs"));
  record.exit_code = in.Number<int>("exitCode");
  record.stdout_bytes = in.Number<std::uint64_t>("stdoutBytes");
  record.stderr_bytes = in.Number<std::uint64_t>("stderrBytes");
  record.reason = in.Text("reason");
  record.reported = in.Flag("reported");
  if (!in.ok() || !state || !IsJobId(record.request.id)) {
    return absl::DataLossError("job record: a field is missing or not what it should be");
  }
  record.state = *state;
  return record;
}

std::string JobResultJson(const JobRecord& record, const JobOutputs& outputs) {
  const bool ran = record.started_at != absl::UnixEpoch() && record.ended_at > record.started_at;
  const absl::Duration duration = ran ? record.ended_at - record.started_at : absl::ZeroDuration();
  return json::serialize(json::object{
      {"jobId", record.request.id},
      {"status", Name(record.state).data()},
      {"success", record.state == JobState::kSucceeded},
      {"exitCode", record.exit_code},
      {"stdout", outputs.stdout_tail},
      {"stderr", outputs.stderr_tail},
      {"errorMessage", record.reason},
      {"durationMs", absl::ToInt64Milliseconds(duration)},
  });
}

}  // namespace tentacle::agent
