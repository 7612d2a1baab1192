#include "services/pxe/core/loader_loops.h"

#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/client_arch.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

bool IsIpxeLoader(std::string_view file) {
  const std::string_view name = BaseName(file);
  return name == kBiosLoader || name == kUefiX64Loader || name == "snponly.efi";
}

bool LoaderLoops::LoaderSent(const wire::MacAddress& mac, absl::Time now) {
  if (machines_.size() >= limits::kMaxTasks) {
    std::erase_if(machines_, [now](const auto& one) {
      return now - one.second.last > limits::kLoaderLoopWindow;
    });
    if (machines_.size() >= limits::kMaxTasks) return false;
  }
  Round& round = machines_[mac];
  if (now - round.last > limits::kLoaderLoopWindow) round.loaders = 0;
  round.last = now;
  return ++round.loaders == limits::kLoaderLoop;
}

bool LoaderLoops::GoesRound(const wire::MacAddress& mac, absl::Time now) const {
  const auto at = machines_.find(mac);
  if (at == machines_.end() || now - at->second.last > limits::kLoaderLoopWindow) return false;
  return at->second.loaders >= limits::kLoaderLoop;
}

}  // namespace tentacle::pxe
