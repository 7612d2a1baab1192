// For what cannot happen; on in every build. Untrusted bytes never reach one.
#pragma once

namespace tentacle::runtime {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace tentacle::runtime

#define TENTACLE_CHECK(condition)     \
  ((condition) ? static_cast<void>(0) \
               : ::tentacle::runtime::CheckFailed(#condition, __FILE__, __LINE__))
