#include "services/agent/core/parse_os_release.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

// Values are quoted as for a shell; nothing is ever expanded.
std::string Unquote(std::string_view value) {
  const char quote = value.empty() ? '\0' : value.front();
  const bool quoted = (quote == '"' || quote == '\'') && value.size() >= 2 && value.back() == quote;
  if (quoted) value = value.substr(1, value.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && quote != '\'' && i + 1 < value.size()) ++i;
    plain += value[i];
  }
  return CleanField(plain);
}

}  // namespace

absl::StatusOr<OsRelease> ParseOsRelease(std::string_view text) {
  OsRelease release;
  std::string long_version;
  bool any = false;
  for (const auto line : Lines(text)) {
    if (Trim(line).starts_with('#')) continue;
    const auto pair = KeyValue(line, '=');
    if (!pair || pair->first.empty()) continue;
    any = true;
    if (pair->first == "NAME") release.name = Unquote(pair->second);
    if (pair->first == "VERSION_ID") release.version = Unquote(pair->second);
    if (pair->first == "VERSION") long_version = Unquote(pair->second);
  }
  if (!any) return absl::InvalidArgumentError("os-release: no assignment in it");
  if (release.name.empty()) release.name = "Linux";
  if (release.version.empty()) release.version = long_version;
  return release;
}

}  // namespace tentacle::agent
