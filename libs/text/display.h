// Octets that a stranger sent as a name -> text that can be shown. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tentacle::text {

// Well-formed UTF-8 (RFC 3629) of at most `max_bytes` octets, cut between characters, without
// blanks at its ends. What is no character becomes U+FFFD; control characters (C0, C1, DEL), line
// and paragraph separators become a blank; characters that turn the direction of writing or have no
// width are left out, because they make a name look like another one (Unicode TR36 section 2.10).
std::string DisplayText(std::string_view bytes, std::size_t max_bytes);

}  // namespace tentacle::text
