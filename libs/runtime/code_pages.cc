#include "libs/runtime/code_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace tentacle::runtime {

void LetGoOfCode() {
  // "55cff1db0000-55cff3041000 r-xp 00115000 fe:00 131 /usr/bin/octofleet-tentacle". Only what can
  // be executed and not written: everything else may have been changed since it was mapped.
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    int mode = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %n", &from, &to, &mode) != 2) continue;
    if (line.compare(static_cast<std::size_t>(mode), 4, "r-xp") != 0) continue;
    if (line.find('/') == std::string::npos) continue;  // The kernel's own, [vdso].
    ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);  // NOLINT
  }
}

}  // namespace tentacle::runtime
