// The size of a shell's terminal, and who has the last word about it.
#include <string>

#include "tests/unit/agent/shell_fixture.h"

namespace tentacle::agent {
namespace {

TEST_F(ShellTest, ResizeReachesTheTerminal) {
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Push("shell.resize", {{"session", Id('r')}, {"cols", 0}, {"rows", 43}});
  FetchUntil([&] { return !output_[Id('r')].empty(); });
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "43 132");
}

class ShellSize : public ShellTest {
 protected:
  // A page asks for 132 columns, and the shell sets 80 right after that.
  void SetByBoth(absl::Duration held) {
    MakeDesk({.resize_held = held});
    Open(Id('r'));
    FetchUntil([&] { return last_.contains("shell.ready"); });
    Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
    Type(Id('r'), "stty rows 24 cols 80; echo put$((1))back\n");
    AwaitText(Id('r'), "put1back");
    Type(Id('r'), "stty size\n");
  }
};

// Readline reads the size and writes it back when a shell begins; a page sends its own just then.
TEST_F(ShellSize, AShellThatPutsTheSizeBackIsOverruled) {
  SetByBoth(absl::Hours(1));
  AwaitText(Id('r'), "43 132");
}

TEST_F(ShellSize, LaterTheSizeIsTheShellsOwn) {
  SetByBoth(absl::ZeroDuration());
  AwaitText(Id('r'), "24 80");
}

}  // namespace
}  // namespace tentacle::agent
