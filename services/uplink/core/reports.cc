#include "services/uplink/core/reports.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "services/uplink/core/planning_orders.h"

namespace tentacle::uplink {

namespace {

namespace json = boost::json;
using event::v1::Event;

// Type, id and punctuation of a message beside its body.
constexpr std::size_t kEnvelopeBytes = 512;

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

Event Result(const char* type,
             const std::string& correlation_id,
             const json::object& body,
             absl::Time now) {
  Event event;
  event.set_type(type);
  event.set_correlation_id(correlation_id);
  event.set_priority(event::v1::PRIORITY_RESULT);
  event.set_body_json(json::serialize(body));
  const std::int64_t seconds = absl::ToUnixSeconds(now);
  event.mutable_time()->set_seconds(seconds);
  event.mutable_time()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(seconds))));
  return event;
}

}  // namespace

Event TaskFailed(const RefusedTask& refused, absl::Time now) {
  const json::object body = {{"taskId", refused.task_id},
                             {"status", "failed"},
                             {"message", refused.reason},
                             {"time", Rfc3339(now)}};
  return Result("task.status", refused.task_id, body, now);
}

Event ConfigResult(std::uint64_t revision,
                   std::string_view status,
                   const std::string& reason,
                   absl::Time now) {
  const json::object body = {
      {"revision", revision}, {"status", status}, {"reason", reason}, {"time", Rfc3339(now)}};
  return Result("config.result", "", body, now);
}

Event CommandFailed(const Command& command, const std::string& reason, absl::Time now) {
  if (command.kind == CommandKind::kJob) {
    const json::object body = {{"jobId", command.reference},
                               {"status", "failed"},
                               {"success", false},
                               {"exitCode", -1},
                               {"stdout", ""},
                               {"stderr", ""},
                               {"errorMessage", reason},
                               {"durationMs", 0}};
    return Result("job.result", command.reference, body, now);
  }
  const std::string& schedule = command.prepull.id();
  if (!schedule.empty() && schedule != PlainPrepullId(command.reference)) {
    const json::object body = {{"scheduleId", schedule}, {"state", "failed"}, {"reason", reason}};
    return Result("prepull.status", schedule, body, now);
  }
  if (command.kind == CommandKind::kPrepull) {
    // Without sizes: it may be there all the same, nobody could ask.
    const json::object body = {
        {"imageId", command.reference}, {"state", "failed"}, {"reason", reason}};
    return Result("image.progress", command.reference, body, now);
  }
  const json::object body = {{"commandId", command.reference},
                             {"command", std::string(command.type())},
                             {"reason", reason}};
  return Result("command.failed", command.reference, body, now);
}

absl::StatusOr<backend_link::Message> EventMessage(const EventId& id, const Event& event) {
  if (event.body_json().size() + kEnvelopeBytes > backend_link::kMaxMessageBytes) {
    return absl::InvalidArgumentError(
        fmt::format("body has {} bytes, more than a frame", event.body_json().size()));
  }
  json::error_code error;
  json::value body = json::parse(event.body_json(), error);
  if (error || body.if_object() == nullptr) {
    return absl::InvalidArgumentError("body is not a JSON object");
  }
  return backend_link::Message{
      .type = event.type(), .id = FormatEventId(id), .body = std::move(body.as_object())};
}

}  // namespace tentacle::uplink
