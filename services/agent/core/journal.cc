#include "services/agent/core/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <absl/time/time.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/backend_link/job.h"
#include "libs/text/view.h"
#include "services/agent/core/fields.h"
#include "services/agent/core/rfc3339.h"
#include "services/agent/core/utf8.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

// journalctl prints what is no UTF-8 as a list of octets, and null for what is too long.
std::string Message(const json::object& object) {
  const auto* value = object.if_contains("MESSAGE");
  std::string bytes = Text(object, "MESSAGE");
  if (value != nullptr && value->is_array()) {
    for (const auto& octet : value->get_array()) {
      json::error_code error;
      const auto number =
          octet.is_number() ? octet.to_number<std::uint8_t>(error) : std::uint8_t{0};
      bytes += static_cast<char>(number);
    }
  }
  const std::string text = ReplaceInvalidUtf8(bytes);
  return std::string(CutUtf8(text, limits::kMaxJournalMessageBytes));
}

std::uint64_t Number(const json::object& object, const char* name, std::uint64_t fallback) {
  return ToU64(Text(object, name)).value_or(fallback);
}

bool IsMatch(std::string_view match) {
  const auto equals = match.find('=');
  if (equals == std::string_view::npos || equals == 0 || match.size() > limits::kMaxFieldBytes)
    return false;
  return std::all_of(
      match.begin(), match.begin() + static_cast<std::ptrdiff_t>(equals),
      [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

absl::Status CheckJournalFilter(const JournalFilter& filter) {
  std::string wrong;
  for (const auto& unit : filter.units)
    if (!backend_link::IsUnitName(unit)) wrong = fmt::format("\"{}\" is no unit", unit);
  for (const auto& match : filter.matches)
    if (!IsMatch(match)) wrong = fmt::format("\"{}\" is no FIELD=value", match);
  if (filter.priority > 7) wrong = "a priority is 0 to 7";
  return wrong.empty() ? absl::OkStatus() : absl::InvalidArgumentError(text::AbslView(wrong));
}

std::vector<std::string> JournalArguments(const JournalFilter& filter,
                                          std::string_view cursor,
                                          std::size_t count) {
  std::vector<std::string> arguments = {"--no-pager",
                                        "--quiet",
                                        "-o",
                                        "json",
                                        "--all",
                                        "--priority",
                                        std::to_string(filter.priority)};
  if (cursor.empty()) {
    arguments.push_back(fmt::format("--lines={}", count));
  } else {
    arguments.push_back(fmt::format("--after-cursor={}", cursor));
  }
  for (const auto& unit : filter.units)
    arguments.push_back("--unit=" + unit);
  for (const auto& match : filter.matches)
    arguments.push_back(match);
  return arguments;
}

std::vector<JournalEntry> ParseJournal(std::string_view text) {
  std::vector<JournalEntry> entries;
  for (const auto line : Lines(text)) {
    json::error_code error;
    const auto value = json::parse({line.data(), line.size()}, error);
    const auto* object = error ? nullptr : value.if_object();
    if (object == nullptr) continue;
    JournalEntry entry;
    entry.cursor = Text(*object, "__CURSOR");
    entry.time_us = static_cast<std::int64_t>(Number(*object, "__REALTIME_TIMESTAMP", 0));
    entry.priority =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(Number(*object, "PRIORITY", 6), 7));
    entry.unit = CleanField(Text(*object, "_SYSTEMD_UNIT"));
    entry.identifier = CleanField(Text(*object, "SYSLOG_IDENTIFIER"));
    if (entry.identifier.empty()) entry.identifier = CleanField(Text(*object, "_COMM"));
    entry.message = Message(*object);
    entry.pid = static_cast<std::uint32_t>(Number(*object, "_PID", 0));
    if (!entry.cursor.empty() && entry.cursor.size() <= 4 * limits::kMaxFieldBytes)
      entries.push_back(std::move(entry));
  }
  return entries;
}

json::object JournalEntryJson(const JournalEntry& entry) {
  return {{"cursor", entry.cursor},         {"time", Rfc3339(absl::FromUnixMicros(entry.time_us))},
          {"priority", entry.priority},     {"unit", entry.unit},
          {"identifier", entry.identifier}, {"pid", entry.pid},
          {"message", entry.message}};
}

}  // namespace tentacle::agent
