// config.yaml as a whole file. Blocking; any thread.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace tentacle::cli {

// Empty when it is not there.
std::string ReadFile(const std::string& path);

// Atomically: a service that starts now reads the old file or the new one.
absl::Status WriteFile(const std::string& path, const std::string& content);

}  // namespace tentacle::cli
