// Who may speak for a tentacle when a second connection comes with its key: the same process again,
// a restart, or a copy of the machine. Pure.
//
// A copy of a disk is the same in everything that is on the disk, so what tells two apart is made
// anew: the name of the process, "<boot>.<process>" in the header X-Octofleet-Instance, and whether
// the first one still answers.
#pragma once

#include <string_view>

namespace tentacle::backend {

enum class Admission {
  kTake,        // Nobody else is there.
  kReplace,     // The same process: its older connection is dead, whatever TCP thinks.
  kProbe,       // Does the first one still answer? Then this is a second machine.
  kQuarantine,  // Another machine has this identity and was here a moment ago.
};

struct Holder {
  bool is_connected = false;
  std::string_view instance;  // Of the one who is, or was last.
  // A clone was seen lately, and so was the holder.
  bool clone_on_record = false;
};

// `newcomer` is empty for a tentacle that does not name its process; it is then never the same.
Admission Admit(std::string_view newcomer, const Holder& holder);

}  // namespace tentacle::backend
