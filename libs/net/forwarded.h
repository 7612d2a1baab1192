// Whose request a reverse proxy hands on.
#pragma once

#include <string>
#include <vector>

#include "libs/net/http_types.h"

namespace tentacle::net {

// The address of the TCP peer (remote_ip). When that is one of `trusted_proxies`: the last address
// in X-Forwarded-For that is none of them, since each proxy appends whom it heard it from and what
// stands before is the client's own word. What is no address there is not believed.
std::string ClientAddress(const HttpRequest& request,
                          const std::vector<std::string>& trusted_proxies);

}  // namespace tentacle::net
