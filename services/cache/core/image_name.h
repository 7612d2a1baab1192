// An image id, which may be any text, as a file name that cannot leave a folder.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::cache {

bool IsAcceptableId(std::string_view id);
// Hex SHA-256 of the id.
std::string FileNameOf(std::string_view id);

}  // namespace tentacle::cache
