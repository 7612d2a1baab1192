#include "services/agent/core/parse_dpkg_status.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

absl::StatusOr<std::vector<Package>> ParseDpkgStatus(std::string_view text) {
  std::vector<Package> packages;
  Package current;
  bool installed = false;
  bool any = false;
  const auto end_of_paragraph = [&] {
    any = any || !current.name.empty();
    if (installed && !current.name.empty()) packages.push_back(std::move(current));
    current = {};
    installed = false;
  };
  for (const auto line : Lines(text)) {
    if (Trim(line).empty()) {
      end_of_paragraph();
      continue;
    }
    if (line.front() == ' ' || line.front() == '\t') continue;  // Goes on with the field above.
    const auto pair = KeyValue(line, ':');
    if (!pair) continue;
    if (pair->first == "Package") current.name = CleanField(pair->second);
    if (pair->first == "Version") current.version = CleanField(pair->second);
    if (pair->first == "Architecture") current.architecture = CleanField(pair->second);
    // "want flag status": only the last word says what is on the disk.
    if (pair->first == "Status") installed = pair->second.ends_with(" installed");
  }
  end_of_paragraph();
  if (!any && !Trim(text).empty())
    return absl::InvalidArgumentError("dpkg status: no package in it");
  std::sort(packages.begin(), packages.end(), [](const Package& a, const Package& b) {
    return std::tie(a.name, a.architecture) < std::tie(b.name, b.architecture);
  });
  return packages;
}

}  // namespace tentacle::agent
