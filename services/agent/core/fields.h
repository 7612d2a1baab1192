// Cuts the kernel's and the system's text files into lines, fields and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tentacle::agent {

std::string_view Trim(std::string_view text);  // Spaces, tabs, line ends and NULs at both ends.
std::vector<std::string_view> Lines(std::string_view text);   // Without their line ends.
std::vector<std::string_view> Fields(std::string_view line);  // Parted by spaces and tabs.
// "key<separator>value", both trimmed; nothing when there is no separator.
std::optional<std::pair<std::string_view, std::string_view>> KeyValue(std::string_view line,
                                                                      char separator);
// The whole text must be the number.
std::optional<std::uint64_t> ToU64(std::string_view text, int base = 10);
std::optional<double> ToDouble(std::string_view text);  // Finite, not negative.
// Valid UTF-8 of at most limits::kMaxFieldBytes: fit for JSON and for a database.
std::string CleanField(std::string_view text);

}  // namespace tentacle::agent
