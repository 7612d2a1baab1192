#include "services/agent/core/parse_passwd.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

std::vector<std::string_view> Split(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = line.find(separator);
    parts.push_back(line.substr(0, at));
    if (at == std::string_view::npos) return parts;
    line.remove_prefix(at + 1);
  }
}

// Groups whose members may become root on the usual distributions.
bool IsAdministrators(std::string_view group) {
  return group == "sudo" || group == "wheel" || group == "admin";
}

std::optional<std::uint32_t> ToId(std::string_view text) {
  const auto number = ToU64(text);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

std::vector<User> ParsePasswd(std::string_view passwd, std::string_view group) {
  std::set<std::string, std::less<>> administrators;
  std::set<std::uint64_t> administrator_gids;
  for (const auto line : Lines(group)) {
    const auto fields = Split(line, ':');
    if (fields.size() != 4 || !IsAdministrators(fields[0])) continue;
    if (const auto gid = ToU64(fields[2])) administrator_gids.insert(*gid);
    for (const auto member : Split(fields[3], ','))
      administrators.emplace(member);
  }
  std::vector<User> users;
  for (const auto line : Lines(passwd)) {
    const auto fields = Split(line, ':');
    const auto uid = fields.size() == 7 ? ToId(fields[2]) : std::nullopt;
    const auto gid = fields.size() == 7 ? ToId(fields[3]) : std::nullopt;
    if (!uid || !gid) continue;
    User user;
    user.name = CleanField(fields[0]);
    user.uid = *uid;
    user.home = CleanField(fields[5]);
    user.shell = CleanField(fields[6]);
    user.can_login = !user.shell.ends_with("/nologin") && !user.shell.ends_with("/false") &&
                     !user.shell.ends_with("/sync");
    user.administrator =
        *uid == 0 || administrators.contains(fields[0]) || administrator_gids.contains(*gid);
    if (!user.name.empty()) users.push_back(std::move(user));
  }
  return users;
}

std::optional<UserIds> FindInPasswd(std::string_view passwd,
                                    std::string_view group,
                                    std::string_view name) {
  for (const auto line : Lines(passwd)) {
    const auto fields = Split(line, ':');
    if (fields.size() != 7 || name.empty() || fields[0] != name) continue;
    const auto uid = ToId(fields[2]);
    const auto gid = ToId(fields[3]);
    if (!uid || !gid) return std::nullopt;
    UserIds user{
        std::string(name), std::string(fields[5]), std::string(fields[6]), *uid, *gid, {*gid}};
    for (const auto its_line : Lines(group)) {
      const auto its = Split(its_line, ':');
      const auto id = its.size() == 4 ? ToId(its[2]) : std::nullopt;
      if (!id || *id == *gid) continue;
      const auto members = Split(its[3], ',');
      if (std::find(members.begin(), members.end(), name) != members.end())
        user.groups.push_back(*id);
    }
    return user;
  }
  return std::nullopt;
}

}  // namespace tentacle::agent
