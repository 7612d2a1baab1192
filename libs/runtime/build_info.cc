#include "libs/runtime/build_info.h"

namespace tentacle::runtime {

std::string_view Version() {
  return TENTACLE_VERSION;
}

std::string_view Architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
#error "an architecture that the protocol has no name for"
#endif
}

}  // namespace tentacle::runtime
