// Text of a task inside another language. What cannot be escaped there is filtered to a set of
// harmless characters; everything else is quoted or encoded. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::pxe {

// Letters, digits, ".", "_", "-" and those of `also`; anything else is left out.
std::string OnlyWords(std::string_view text, std::string_view also);

// One word of an iPXE script or of a kernel's command line: what could end it or be expanded ("$",
// quotes, blanks,
// "|", "#", …) is left out.
std::string BootWord(std::string_view text);

// A sentence for a console: printable ASCII without "$", quotes and backslashes; anything else
// becomes "?".
std::string ConsoleText(std::string_view text);

// POSIX shell: 'text', whatever it holds but NUL, which is left out.
std::string ShellQuote(std::string_view text);

// One line of a file that knows no escapes: control characters are left out.
std::string OneLineOf(std::string_view text);

// "de_DE.UTF-8" or what stands for nothing said.
std::string LocaleOf(std::string_view locale);
// "Europe/Berlin", "Etc/UTC" for nothing said.
std::string TimezoneOf(std::string_view timezone);

}  // namespace tentacle::pxe
