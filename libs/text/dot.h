// Texts in Graphviz's language (graphviz.org/doc/info/lang.html). Pure.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::text {

// A quoted id: quotes and backslashes are escaped, so that no name ends its string or becomes an
// escape sequence.
std::string DotString(std::string_view text);

}  // namespace tentacle::text
