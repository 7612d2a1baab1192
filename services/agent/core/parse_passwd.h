// /etc/passwd and /etc/group -> the users of the host (passwd(5), group(5)).
#pragma once

#include <string_view>
#include <vector>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

// In the order of the file; lines that are none are left out.
std::vector<User> ParsePasswd(std::string_view passwd, std::string_view group);

}  // namespace tentacle::agent
