// Secrets that come in environment variables: whoever runs as the same user can read those in
// /proc, and every child inherits them.
#pragma once

#include <optional>
#include <string>

namespace tentacle::config {

// The value of the variable, which nobody can read any more afterwards: it is overwritten and
// unset. Nothing: not set. Call it before there are threads (getenv(3)).
std::optional<std::string> TakeSecret(const char* name);

// The first line of a file; "-" is the standard input. Empty when there is none.
std::string FirstLineOf(const std::string& path);

}  // namespace tentacle::config
