#include "libs/net/datagram_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tentacle::net {

namespace {

namespace asio = boost::asio;

// The largest UDP payload; nothing is ever cut silently.
constexpr std::size_t kMaxDatagramBytes = 65'507;

sockaddr_in ToSockaddr(Ipv4Endpoint endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(endpoint.address);
  return address;
}

class KernelDatagramSocket final : public DatagramSocket {
 public:
  KernelDatagramSocket(asio::any_io_executor home, int fd, std::uint16_t port)
      : descriptor_(std::move(home), fd), port_(port), buffer_(kMaxDatagramBytes) {}

  asio::awaitable<absl::StatusOr<Datagram>> Receive() override {
    for (;;) {
      auto received = TryReceive();
      if (received.ok() || !absl::IsUnavailable(received.status())) co_return received;
      const auto [error] = co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                                                           asio::as_tuple(asio::use_awaitable));
      if (error) co_return absl::CancelledError(fmt::format("udp {}: {}", port_, error.message()));
    }
  }

  absl::Status Send(std::span<const std::uint8_t> bytes,
                    Ipv4Endpoint to,
                    int interface_index,
                    std::uint32_t from_address) override {
    sockaddr_in address = ToSockaddr(to);
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (interface_index != 0 || from_address != 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = IPPROTO_IP;
      header->cmsg_type = IP_PKTINFO;
      header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
      in_pktinfo info{};
      info.ipi_ifindex = interface_index;
      info.ipi_spec_dst.s_addr = htonl(from_address);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    if (::sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT) >= 0) return absl::OkStatus();
    if (errno == EAGAIN || errno == ENOBUFS) return absl::ResourceExhaustedError("udp: send buffer is full");
    return absl::ErrnoToStatus(errno, "udp: send");
  }

  std::uint16_t port() const override { return port_; }

  void Close() override {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }

 private:
  absl::StatusOr<Datagram> TryReceive() {
    sockaddr_in from{};
    iovec part{buffer_.data(), buffer_.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT);
    if (size < 0) {
      // ICMP errors of earlier sends are reported here; they are nobody's datagram.
      if (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH) {
        return absl::UnavailableError("nothing there");
      }
      return absl::InternalError(fmt::format("udp {}: {}", port_, std::strerror(errno)));
    }
    Datagram datagram;
    datagram.bytes.assign(buffer_.begin(), buffer_.begin() + size);
    datagram.from = {ntohl(from.sin_addr.s_addr), ntohs(from.sin_port)};
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      datagram.interface_index = info.ipi_ifindex;
      datagram.to_address = ntohl(info.ipi_addr.s_addr);
    }
    return datagram;
  }

  asio::posix::stream_descriptor descriptor_;
  std::uint16_t port_;
  std::vector<std::uint8_t> buffer_;
};

absl::Status SetOption(int fd, int level, int name, int value, const char* what) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, what);
}

absl::Status Configure(int fd, const DatagramOptions& options) {
  absl::Status status = SetOption(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  if (options.broadcast) status.Update(SetOption(fd, SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST"));
  if (options.reuse_address) status.Update(SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  if (!options.bind_to_device.empty() &&
      ::setsockopt(fd,
                   SOL_SOCKET,
                   SO_BINDTODEVICE,
                   options.bind_to_device.c_str(),
                   static_cast<socklen_t>(options.bind_to_device.size())) != 0) {
    status.Update(absl::ErrnoToStatus(errno, fmt::format("bind to device {}", options.bind_to_device)));
  }
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DatagramSocket>> DatagramSocket::Open(asio::any_io_executor home,
                                                                     const DatagramOptions& options) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "udp socket");
  absl::Status status = Configure(fd, options);
  const sockaddr_in address = ToSockaddr({options.address, options.port});
  if (status.ok() && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string what = fmt::format("udp port {}", options.port);
    if (errno == EADDRINUSE) {
      status = absl::UnavailableError(what + " is taken by another program");
    } else if (errno == EACCES) {
      status = absl::PermissionDeniedError(what + " needs CAP_NET_BIND_SERVICE");
    } else {
      status = absl::ErrnoToStatus(errno, what);
    }
  }
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  if (status.ok() && ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    status = absl::ErrnoToStatus(errno, "getsockname");
  }
  if (!status.ok()) {
    ::close(fd);
    return status;
  }
  return std::make_unique<KernelDatagramSocket>(std::move(home), fd, ntohs(bound.sin_port));
}

}  // namespace tentacle::net
