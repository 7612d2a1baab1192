#include "services/pxe/boot_folder.h"

#include <algorithm>
#include <filesystem>

#include "libs/net/http_types.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/escape.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

bool BootFolder::Has(const std::string& file) const {
  return net::OpenFileSpanBelow(path_, file).ok();
}

std::vector<std::string> BootFolder::List(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/" + folder, error)) {
    const std::string name = entry.path().filename().string();
    // What a script cannot name as it is cannot be fetched either.
    if (!entry.is_regular_file(error) || SafeBootPath(name) != name || OnlyWords(name, "") != name)
      continue;
    if (names.size() >= limits::kMaxDriverFiles) break;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tentacle::pxe
