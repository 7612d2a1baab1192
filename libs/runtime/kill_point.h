// Places where a test kills the process, as a power cut or the kernel would.
#pragma once

#include <string_view>

#ifdef TENTACLE_KILL_POINTS
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#endif

namespace tentacle::runtime {

#ifdef TENTACLE_KILL_POINTS
// Called at each place, on its thread, when it is set: for what a test does there instead.
inline std::atomic<void (*)(std::string_view name)> at_kill_point = nullptr;

// TENTACLE_KILL_AT=<name>:<n> in the environment: SIGKILL when that place is passed the n-th time.
inline void KillPoint(std::string_view name) {
  static const char* const spec = std::getenv("TENTACLE_KILL_AT");
  static std::atomic<int> passed = 0;
  if (const auto hook = at_kill_point.load()) hook(name);
  if (spec == nullptr) return;
  const std::string_view text(spec);
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.substr(0, colon) != name) return;
  int wanted = 1;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), wanted);
  if (++passed == wanted) ::kill(::getpid(), SIGKILL);
}
#else
inline void KillPoint(std::string_view) {}
#endif

}  // namespace tentacle::runtime
