#include "libs/runtime/check.h"

#include <cstdio>
#include <cstdlib>

namespace tentacle::runtime {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: cannot happen: !(%s)\n", file, line, condition);
  std::abort();
}

}  // namespace tentacle::runtime
