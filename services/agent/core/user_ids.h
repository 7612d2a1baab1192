// Who a program runs as.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tentacle::agent {

struct UserIds {
  std::string name;
  std::string home;
  std::string shell;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

}  // namespace tentacle::agent
