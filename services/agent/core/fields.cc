#include "services/agent/core/fields.h"

#include <charconv>
#include <cmath>

#include "services/agent/core/utf8.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {
constexpr std::string_view kBlank = std::string_view(" \t\r\n\0", 5);
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto begin = line.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return fields;
    line.remove_prefix(begin);
    const auto end = line.find_first_of(" \t\r\n");
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end);
  }
}

std::optional<std::pair<std::string_view, std::string_view>> KeyValue(std::string_view line,
                                                                      char separator) {
  const auto at = line.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  return std::pair(Trim(line.substr(0, at)), Trim(line.substr(at + 1)));
}

std::optional<std::uint64_t> ToU64(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> ToDouble(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

std::string CleanField(std::string_view text) {
  return ReplaceInvalidUtf8(CutUtf8(Trim(text), limits::kMaxFieldBytes));
}

}  // namespace tentacle::agent
