// A second fence around a service's files: the kernel refuses what the service never needs,
// whatever a machine on the segment talks it into. Landlock, landlock(7); needs no right, and
// Linux 5.13.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

namespace tentacle::runtime {

struct Fence {
  // Files and folders with all below. Those that are not there are left out, and stay out.
  std::vector<std::string> read;
  // Folders, to read as well; made when they are not there.
  std::vector<std::string> write;
};

// For the calling thread and those that it starts from now on; there is no way back. Nothing can be
// executed any more, and beside `fence` only what every program reads (libraries, /proc, /sys) is
// within reach. What is open stays open, and sockets can be connected to.
// Unavailable: this kernel, or who runs us, has no Landlock. Else what is wrong with a folder.
absl::Status Enclose(const Fence& fence);

}  // namespace tentacle::runtime
