#include "services/agent/pty.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace tentacle::agent {

namespace {

winsize ToKernel(TerminalSize size) {
  winsize kernel{};
  kernel.ws_col = static_cast<unsigned short>(size.columns);
  kernel.ws_row = static_cast<unsigned short>(size.rows);
  return kernel;
}

struct Ends {
  UniqueFd master;
  UniqueFd terminal;
};

// Both ends by the device: openpty(3) takes the terminal by its name, which is another's in the
// agent's own mount namespace (TIOCGPTPEER, ioctl_tty(2)).
absl::StatusOr<Ends> OpenTerminal(const std::string& multiplexer, const winsize& size) {
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  Ends ends;
  ends.master = UniqueFd(::open(multiplexer.c_str(), kFlags | O_NONBLOCK));
  if (ends.master.get() < 0) return absl::ErrnoToStatus(errno, multiplexer);
  int locked = 0;
  if (::ioctl(ends.master.get(), TIOCSPTLCK, &locked) != 0)
    return absl::ErrnoToStatus(errno, "unlocking the terminal");
  ends.terminal = UniqueFd(::ioctl(ends.master.get(), TIOCGPTPEER, kFlags));
  if (ends.terminal.get() < 0) return absl::ErrnoToStatus(errno, "opening the terminal");
  if (::ioctl(ends.terminal.get(), TIOCSWINSZ, &size) != 0)
    return absl::ErrnoToStatus(errno, "the terminal's size");
  return ends;
}

}  // namespace

absl::StatusOr<Pty> OpenShell(const HostSpacePtr& host,
                              const UserIds& user,
                              TerminalSize size,
                              const std::string& session) {
  Pty pty;
  auto ends = OpenTerminal(host->Here("/dev/ptmx"), ToKernel(size));
  if (!ends.ok()) return ends.status();
  pty.master = std::move(ends->master);
  const int slave = ends->terminal.get();
  // As login(1) does: the terminal is its user's, and nobody else writes to it.
  if (::fchown(slave, user.uid, static_cast<gid_t>(-1)) != 0 && ::geteuid() == 0) {
    return absl::ErrnoToStatus(errno, "the terminal's owner");
  }
  ::fchmod(slave, 0600);

  LaunchSpec spec;
  const std::string shell = user.shell.empty() ? "/bin/sh" : user.shell;
  // A hyphen before its name makes a shell a login shell: login(1).
  spec.program = shell;
  spec.argv = {"-" + shell.substr(shell.rfind('/') + 1)};
  spec.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "TERM=xterm-256color",
                      "LANG=C.UTF-8",
                      "HOME=" + user.home,
                      "USER=" + user.name,
                      "LOGNAME=" + user.name,
                      "SHELL=" + shell,
                      "TENTACLE_SHELL=" + session};
  spec.working_dir = ::access(host->Here(user.home).c_str(), X_OK) == 0 ? user.home : "/";
  spec.host = host;
  // Becoming the user that we are needs no right; but our groups are the container's.
  if (user.uid != ::geteuid() || host->is_around()) spec.user = user;
  spec.input = spec.output = spec.error = slave;
  spec.controlling_terminal = true;
  auto launched = Launch(spec);
  if (!launched.ok()) return launched.status();
  pty.process = *std::move(launched);
  return pty;
}

void ResizePty(int master, TerminalSize size) {
  const winsize kernel_size = ToKernel(size);
  ::ioctl(master, TIOCSWINSZ, &kernel_size);
}

TerminalSize SizeOfPty(int master) {
  winsize size{};
  ::ioctl(master, TIOCGWINSZ, &size);
  return {size.ws_col, size.ws_row};
}

}  // namespace tentacle::agent
