#include "services/agent/core/parse_rpm_list.h"

#include <algorithm>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

std::vector<Package> ParseRpmList(std::string_view text) {
  std::vector<Package> packages;
  for (const auto line : Lines(text)) {
    const auto first = line.find('\t');
    const auto second = line.find('\t', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    Package package{CleanField(line.substr(0, first)),
                    CleanField(line.substr(first + 1, second - first - 1)),
                    CleanField(line.substr(second + 1))};
    if (package.architecture == "(none)") package.architecture.clear();
    if (!package.name.empty() && package.name != "gpg-pubkey")
      packages.push_back(std::move(package));
  }
  std::sort(packages.begin(), packages.end(), [](const Package& a, const Package& b) {
    return a.name != b.name ? a.name < b.name : a.version < b.version;
  });
  return packages;
}

}  // namespace tentacle::agent
