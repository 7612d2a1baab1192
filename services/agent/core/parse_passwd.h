// /etc/passwd and /etc/group -> the users of the host (passwd(5), group(5)).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "services/agent/core/host_details.h"
#include "services/agent/core/user_ids.h"

namespace tentacle::agent {

// In the order of the file; lines that are none are left out.
std::vector<User> ParsePasswd(std::string_view passwd, std::string_view group);

// One of them, with all of its groups.
std::optional<UserIds> FindInPasswd(std::string_view passwd,
                                    std::string_view group,
                                    std::string_view name);

}  // namespace tentacle::agent
