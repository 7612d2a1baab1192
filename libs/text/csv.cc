#include "libs/text/csv.h"

namespace tentacle::text {

namespace {

// A formula may also stand behind blanks; a full-width sign counts for some programs.
bool LooksLikeFormula(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return false;
  if (std::string_view("=+-@\t\r\n|%").find(text[first]) != std::string_view::npos) return true;
  const std::string_view sign = text.substr(first, 3);
  return sign == "\xEF\xBC\x9D" || sign == "\xEF\xBC\x8B" || sign == "\xEF\xBC\x8D" ||
         sign == "\xEF\xBC\xA0";
}

}  // namespace

std::string CsvField(std::string_view text) {
  std::string out = "\"";
  if (LooksLikeFormula(text)) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    if (c != '\0') out += c;
  }
  return out + '"';
}

std::string CsvLine(const std::vector<std::string_view>& fields) {
  std::string line;
  for (const std::string_view field : fields) {
    if (!line.empty()) line += ',';
    line += CsvField(field);
  }
  return line + "\r\n";
}

}  // namespace tentacle::text
