#include "backend/api/router.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tentacle::backend {

namespace {

std::string_view TakePart(std::string_view* path) {
  const std::size_t end = std::min(path->find('/', 1), path->size());
  const std::string_view part = path->substr(0, end);
  path->remove_prefix(end);
  return part;
}

// The values of the pattern's {...}, or nothing when `path` is another.
std::optional<std::vector<std::string>> MatchPath(std::string_view pattern, std::string_view path) {
  std::vector<std::string> ids;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = TakePart(&pattern);
    const std::string_view got = TakePart(&path);
    if (want.starts_with("/{")) {
      if (got.size() < 2) return std::nullopt;
      ids.emplace_back(got.substr(1));
    } else if (want != got) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return ids;
}

}  // namespace

int ParseId(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

void Router::Add(std::string method, std::string pattern, Access access, CallHandler handler) {
  routes_.push_back({std::move(method), std::move(pattern), access, std::move(handler)});
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  for (const Route& route : routes_) {
    auto ids = MatchPath(route.pattern, path);
    if (!ids) continue;
    if (route.method != method) {
      match.other_method = true;
      continue;
    }
    match.route = &route;
    match.ids = *std::move(ids);
    return match;
  }
  return match;
}

}  // namespace tentacle::backend
