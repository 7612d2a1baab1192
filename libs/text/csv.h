// Fields of a CSV file (RFC 4180). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tentacle::text {

// Always quoted. A text that a spreadsheet would take for a formula (it begins with = + - @, a tab
// or a carriage return) gets an apostrophe in front, which spreadsheets show as nothing.
std::string CsvField(std::string_view text);

// The fields with commas between and the line end of RFC 4180.
std::string CsvLine(const std::vector<std::string_view>& fields);

}  // namespace tentacle::text
