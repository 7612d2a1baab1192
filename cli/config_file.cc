#include "cli/config_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "libs/store/durable_file.h"

namespace tentacle::cli {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

absl::Status WriteFile(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  absl::Status status = store::WriteSynced(temporary, content, 0640);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = absl::ErrnoToStatus(errno, path);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace tentacle::cli
