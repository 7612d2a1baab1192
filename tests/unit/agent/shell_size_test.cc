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

// Readline reads the size and writes it back when a shell begins; a page sends its own just then.
TEST_F(ShellTest, AShellThatPutsTheSizeBackIsOverruled) {
  MakeDesk({.resize_held = absl::Hours(1)});
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Type(Id('r'), "stty rows 24 cols 80; echo put$((1))back\n");
  AwaitText(Id('r'), "put1back");
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "43 132");
}

TEST_F(ShellTest, LaterTheSizeIsTheShellsOwn) {
  MakeDesk({.resize_held = absl::ZeroDuration()});
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Type(Id('r'), "stty rows 24 cols 80; echo put$((1))back\n");
  AwaitText(Id('r'), "put1back");
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "24 80");
}

}  // namespace
}  // namespace tentacle::agent
