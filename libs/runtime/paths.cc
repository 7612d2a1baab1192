#include "libs/runtime/host.h"

namespace tentacle::runtime {

std::string Paths::Socket(std::string_view service) const {
  return run_dir + "/" + std::string(service) + ".sock";
}

std::string Paths::ServiceDir(std::string_view service) const {
  return state_dir + "/" + std::string(service);
}

std::string Paths::KeyFile() const {
  return state_dir + "/tentacle.key";
}

std::string Paths::ConfigFile() const {
  return state_dir + "/config.yaml";
}

}  // namespace tentacle::runtime
