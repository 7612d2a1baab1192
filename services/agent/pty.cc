#include "services/agent/pty.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pty.h>
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

}  // namespace

absl::StatusOr<Pty> OpenShell(const UserIds& user, TerminalSize size, const std::string& session) {
  const winsize kernel_size = ToKernel(size);
  int master = -1;
  int slave = -1;
  if (::openpty(&master, &slave, nullptr, nullptr, &kernel_size) != 0) {
    return absl::ErrnoToStatus(errno, "openpty");
  }
  Pty pty;
  pty.master = UniqueFd(master);
  const UniqueFd terminal(slave);
  // openpty(3) sets neither flag.
  ::fcntl(master, F_SETFD, FD_CLOEXEC);
  ::fcntl(slave, F_SETFD, FD_CLOEXEC);
  ::fcntl(master, F_SETFL, O_NONBLOCK);
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
  spec.working_dir = ::access(user.home.c_str(), X_OK) == 0 ? user.home : "/";
  // Becoming the user that we are needs no right.
  if (user.uid != ::geteuid()) spec.user = user;
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
