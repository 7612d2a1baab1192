#include "libs/net/path_mtu.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tentacle::net {

std::optional<std::uint32_t> PathMtu(std::uint32_t address) {
  constexpr std::uint16_t kAnyPort = 9;  // Nothing is sent.
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kAnyPort);
  to.sin_addr.s_addr = htonl(address);
  int mtu = 0;
  socklen_t size = sizeof mtu;
  const bool known = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
                     ::getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &size) == 0 && mtu > 0;
  ::close(fd);
  if (!known) return std::nullopt;
  return static_cast<std::uint32_t>(mtu);
}

}  // namespace tentacle::net
