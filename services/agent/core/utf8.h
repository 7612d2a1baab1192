// Bytes of unknown origin -> text that JSON and PostgreSQL accept (RFC 3629).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tentacle::agent {

// Each octet that is no part of a well-formed character becomes U+FFFD, and so does NUL, which
// PostgreSQL cannot hold in a text.
std::string ReplaceInvalidUtf8(std::string_view bytes);

// The first or last `max` octets at most, without cutting a character in two.
std::string_view CutUtf8(std::string_view text, std::size_t max);
std::string_view TailUtf8(std::string_view text, std::size_t max);

}  // namespace tentacle::agent
