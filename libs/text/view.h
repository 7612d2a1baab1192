// Debian builds Abseil with a string_view of its own, which does not convert from std::string_view
// (docs/libraries.md). Ours is std::string_view everywhere; these two are the border. Texts are put
// together with fmt::format, which takes either.
#pragma once

#include <string_view>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace tentacle::text {

inline absl::string_view AbslView(std::string_view text) {
  return {text.data(), text.size()};
}

inline std::string_view StdView(absl::string_view text) {
  return {text.data(), text.size()};
}

// What went wrong, without the code.
inline std::string_view Message(const absl::Status& status) {
  return StdView(status.message());
}

}  // namespace tentacle::text
