// The record of update_state.h as text.
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/agent/core/update_state.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

// A newer agent that changes the meaning of a field counts on; the guard of an older one then
// leaves everything as it is.
constexpr std::uint64_t kFormat = 1;

json::object ReleaseJson(const Release& release) {
  return {{"id", release.id},
          {"version", release.version},
          {"slot", release.slot},
          {"rootKeys", release.root_keys}};
}

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

std::uint64_t Number(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  json::error_code error;
  const auto number =
      value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

bool Flag(const json::object& object, const char* name, bool otherwise) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

const json::object& Object(const json::object& object, const char* name) {
  static const json::object kNone;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

const json::array& List(const json::object& object, const char* name) {
  static const json::array kNone;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

Release ParseRelease(const json::object& object) {
  return {Text(object, "id"), Number(object, "version"), Text(object, "slot"),
          Text(object, "rootKeys")};
}

bool IsSlot(std::string_view slot) {
  return slot == "a" || slot == "b";
}

// As it was written; what of it is nonsense is found by JudgeUpdate().
backend_link::ReleaseOffer ParseOffer(const json::object& object) {
  return {Text(object, "id"),       Text(object, "imageId"),
          Text(object, "keys"),     Text(object, "keysSignature"),
          Text(object, "manifest"), Text(object, "manifestSignature")};
}

}  // namespace

std::string SerializeUpdate(const UpdateRecord& record) {
  json::array attempts;
  for (const FailedVersion& one : record.attempts) {
    attempts.push_back(json::object{{"version", one.version}, {"attempts", one.attempts}});
  }
  json::array ready;
  for (const std::string& service : record.ready_before)
    ready.emplace_back(service);
  return json::serialize(json::object{{"format", kFormat},
                                      {"step", std::string(Name(record.step))},
                                      {"installed", ReleaseJson(record.installed)},
                                      {"offer", backend_link::ReleaseOfferJson(record.offer)},
                                      {"candidate", ReleaseJson(record.candidate)},
                                      {"sha256", record.sha256},
                                      {"readyBefore", std::move(ready)},
                                      {"starts", record.starts},
                                      {"deadline", absl::ToUnixSeconds(record.deadline)},
                                      {"reason", record.reason},
                                      {"reported", record.reported},
                                      {"restartDue", record.restart_due},
                                      {"attempts", std::move(attempts)}});
}

absl::StatusOr<UpdateRecord> ParseUpdate(std::string_view text) {
  json::error_code error;
  const auto value = json::parse({text.data(), text.size()}, error);
  const auto* object = value.if_object();
  if (error || object == nullptr || Number(*object, "format") != kFormat) {
    return absl::DataLossError("the record of updates cannot be read");
  }
  UpdateRecord record;
  const auto step = UpdateStepFromName(Text(*object, "step"));
  record.installed = ParseRelease(Object(*object, "installed"));
  record.offer = ParseOffer(Object(*object, "offer"));
  record.candidate = ParseRelease(Object(*object, "candidate"));
  record.sha256 = Text(*object, "sha256");
  for (const auto& service : List(*object, "readyBefore")) {
    if (service.is_string()) record.ready_before.emplace_back(service.get_string());
  }
  record.starts = static_cast<int>(Number(*object, "starts"));
  record.deadline = absl::FromUnixSeconds(static_cast<std::int64_t>(Number(*object, "deadline")));
  record.reason = Text(*object, "reason");
  record.reported = Flag(*object, "reported", true);
  record.restart_due = Flag(*object, "restartDue", false);
  for (const auto& one : List(*object, "attempts")) {
    if (!one.is_object()) continue;
    record.attempts.push_back({Number(one.get_object(), "version"),
                               static_cast<int>(Number(one.get_object(), "attempts"))});
  }
  const bool trial = step && !IsSettled(*step);
  if (!step || !IsSlot(record.installed.slot) ||
      (trial && record.candidate.slot != OtherSlot(record.installed.slot))) {
    return absl::DataLossError("the record of updates is nonsense");
  }
  record.step = *step;
  return record;
}

}  // namespace tentacle::agent
