#include "services/cache/core/image_name.h"

#include <algorithm>

#include "libs/identity/identity.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

bool IsAcceptableId(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return !id.empty() && id.size() <= limits::kMaxImageIdBytes && id.front() != '.' &&
         std::all_of(id.begin(), id.end(), allowed);
}

std::string FileNameOf(std::string_view id) {
  return identity::Sha256Hex(id);
}

}  // namespace tentacle::cache
