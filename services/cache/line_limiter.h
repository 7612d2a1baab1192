// How fast a pull may be over the WAN.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/cache/stopping.h"

namespace tentacle::cache {

// Who waits for the image, the more urgent the higher: a client asks again and again by itself, a
// task asks once, a repair has nobody and goes on to its end, a prepull can be taken back. A pull
// can rise while it runs.
enum class PullClass { kPrepull, kRepair, kTask, kClient };

// Thread safe.
class LineLimiter {
 public:
  virtual ~LineLimiter() = default;

  // Called on the pull thread for each piece of at most 64 KiB that came over the WAN, before the
  // next is read: blocks for as long as the limit says, or until `stop`. Not called for bytes of
  // peers and of this disk.
  virtual void Take(std::uint64_t bytes,
                    const std::atomic<PullClass>& pull_class,
                    Stopping& stop) = 0;

  // How many bytes may be on their way or wait in the socket, so that the limit holds on the wire
  // as well; nothing: as many as the kernel likes.
  virtual std::optional<std::size_t> Window() const = 0;
};

}  // namespace tentacle::cache
