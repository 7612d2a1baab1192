#include "services/agent/core/job_record.h"

#include <limits>
#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace tentacle::agent {

namespace {

namespace json = boost::json;

constexpr int kFormat = 2;

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

}  // namespace

bool Advance(JobRecord& record, JobEvent event) {
  const auto next = NextState(record.state, event);
  if (next) record.state = *next;
  return next.has_value();
}

bool EndJob(JobRecord& record, const JobVerdict& verdict, absl::Time now) {
  const auto next = NextState(record.state, verdict.event);
  if (!next || !IsFinal(*next)) return false;
  record.state = *next;
  record.ended_at = now;
  record.exit_code = verdict.exit_code;
  record.reason = verdict.reason;
  // The rest may be large, and is needed no more.
  JobRequest only_id;
  only_id.id = std::move(record.request.id);
  record.request = std::move(only_id);
  return true;
}

std::string EncodeJob(const JobRecord& record) {
  json::object object{
      {"format", kFormat},
      {"id", record.request.id},
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
      {"attempt", record.attempt},
      {"dueAtMs", record.due_at == absl::InfinitePast() ? 0 : Milliseconds(record.due_at)},
  };
  if (!IsFinal(record.state)) object["job"] = backend_link::JobJson(record.request);
  return json::serialize(object);
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
  record.attempt = in.Number<std::uint32_t>("attempt");
  const auto due = in.Number<std::int64_t>("dueAtMs");
  if (due != 0) record.due_at = absl::FromUnixMillis(due);
  if (!in.ok() || !state || !backend_link::IsJobId(record.request.id)) {
    return absl::DataLossError("job record: a field is missing or not what it should be");
  }
  record.state = *state;
  if (IsFinal(record.state)) return record;
  const auto* job = object->if_contains("job");
  if (job == nullptr || !job->is_object())
    return absl::DataLossError("job record: the job is missing");
  auto request = backend_link::ParseJob(job->get_object());
  if (!request.ok() || request->id != record.request.id) {
    return absl::DataLossError("job record: the job is not what it should be");
  }
  record.request = *std::move(request);
  return record;
}

std::string JobStatusJson(const JobRecord& record) {
  return json::serialize(json::object{{"jobId", record.request.id},
                                      {"status", Name(record.state).data()},
                                      {"attempts", record.attempt}});
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
      {"attempts", record.attempt},
      {"stdoutBytes", record.stdout_bytes},
      {"stderrBytes", record.stderr_bytes},
  });
}

}  // namespace tentacle::agent
