#include "libs/net/datagram_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
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

// Room for what is said beside a datagram: where from, and how to cut.
using Control =
    std::array<char, CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(std::uint16_t))>;

template <class Value>
cmsghdr* PutControl(cmsghdr* header, int level, int type, const Value& value) {
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
  return header;
}

// `message` with its control data for one datagram, or several cut at `segment_bytes` when that is
// not 0.
void FillControl(int interface_index,
                 std::uint32_t from_address,
                 std::size_t segment_bytes,
                 Control* control,
                 msghdr* message) {
  message->msg_control = control->data();
  message->msg_controllen = control->size();
  cmsghdr* header = CMSG_FIRSTHDR(message);
  std::size_t used = 0;
  if (interface_index != 0 || from_address != 0) {
    in_pktinfo info{};
    info.ipi_ifindex = interface_index;
    info.ipi_spec_dst.s_addr = htonl(from_address);
    PutControl(header, IPPROTO_IP, IP_PKTINFO, info);
    used += CMSG_SPACE(sizeof info);
    header = CMSG_NXTHDR(message, header);
  }
  if (segment_bytes != 0) {
    PutControl(header, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment_bytes));
    used += CMSG_SPACE(sizeof(std::uint16_t));
  }
  message->msg_controllen = used;
  if (used == 0) message->msg_control = nullptr;
}

absl::Status SendStatus(int error) {
  if (error == 0) return absl::OkStatus();
  if (error == EAGAIN || error == ENOBUFS)
    return absl::ResourceExhaustedError("udp: send buffer is full");
  return absl::ErrnoToStatus(error, "udp: send");
}

// Buffers of recvmmsg(2); some 130 KiB, made when they are first needed.
struct ReceiveRoom {
  std::array<std::array<std::uint8_t, kMaxManyBytes>, kMaxMany> bytes;
  std::array<sockaddr_in, kMaxMany> from;
  alignas(cmsghdr) std::array<Control, kMaxMany> control;
  std::array<iovec, kMaxMany> parts;
  std::array<mmsghdr, kMaxMany> messages;

  mmsghdr* Prepare(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = {bytes[i].data(), bytes[i].size()};
      msghdr& message = messages[i].msg_hdr;
      message = {};
      message.msg_name = &from[i];
      message.msg_namelen = sizeof from[i];
      message.msg_iov = &parts[i];
      message.msg_iovlen = 1;
      message.msg_control = control[i].data();
      message.msg_controllen = control[i].size();
    }
    return messages.data();
  }
};

// Where a datagram came from and where it went.
void ReadControl(msghdr* message, const sockaddr_in& from, Datagram* datagram) {
  datagram->from = {ntohl(from.sin_addr.s_addr), ntohs(from.sin_port)};
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    datagram->interface_index = info.ipi_ifindex;
    datagram->to_address = ntohl(info.ipi_addr.s_addr);
  }
}

// ICMP errors of earlier sends are reported here; they are nobody's datagram.
bool IsNothing(int error) {
  return error == EAGAIN || error == EINTR || error == ECONNREFUSED || error == EHOSTUNREACH;
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

  asio::awaitable<absl::StatusOr<std::vector<Datagram>>> ReceiveMany(std::size_t max,
                                                                     absl::Duration spin) override {
    max = std::min(max, kMaxMany);
    using SteadyClock = std::chrono::steady_clock;
    const auto until = spin > absl::ZeroDuration()
                           ? SteadyClock::now() + absl::ToChronoNanoseconds(spin)
                           : SteadyClock::time_point::min();
    // A flood on this socket must not keep the others waiting.
    if (full_) co_await asio::post(descriptor_.get_executor(), asio::use_awaitable);
    // What has just been emptied is not asked again before there is something.
    for (bool ask = full_ || spin > absl::ZeroDuration();; ask = true) {
      if (ask) {
        auto received = TryReceiveMany(max);
        if (!received.ok() || !received->empty()) {
          full_ = received.ok() && received->size() == max;
          co_return received;
        }
        if (SteadyClock::now() < until) continue;
      }
      const auto [error] = co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                                                           asio::as_tuple(asio::use_awaitable));
      if (error) co_return absl::CancelledError(fmt::format("udp {}: {}", port_, error.message()));
    }
  }

  absl::Status Send(std::span<const std::uint8_t> bytes,
                    Ipv4Endpoint to,
                    int interface_index,
                    std::uint32_t from_address) override {
    Departure departure{bytes, to, interface_index, from_address, 0, {}};
    return SendOne(departure);
  }

  void SendMany(std::span<Departure> departures) override {
    while (!departures.empty()) {
      const std::size_t count = std::min(departures.size(), kMaxMany);
      SendSome(departures.first(count));
      departures = departures.subspan(count);
    }
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
      if (IsNothing(errno)) return absl::UnavailableError("nothing there");
      return absl::InternalError(fmt::format("udp {}: {}", port_, std::strerror(errno)));
    }
    Datagram datagram;
    datagram.bytes.assign(buffer_.begin(), buffer_.begin() + size);
    ReadControl(&message, from, &datagram);
    return datagram;
  }

  // Empty: nothing there.
  absl::StatusOr<std::vector<Datagram>> TryReceiveMany(std::size_t max) {
    if (!room_) room_ = std::make_unique<ReceiveRoom>();
    const int count = ::recvmmsg(descriptor_.native_handle(), room_->Prepare(max),
                                 static_cast<unsigned>(max), MSG_DONTWAIT, nullptr);
    std::vector<Datagram> received;
    if (count < 0) {
      if (IsNothing(errno)) return received;
      return absl::InternalError(fmt::format("udp {}: {}", port_, std::strerror(errno)));
    }
    received.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < received.size(); ++i) {
      mmsghdr& message = room_->messages[i];
      const bool cut = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
      if (!cut)
        received[i].bytes.assign(room_->bytes[i].data(), room_->bytes[i].data() + message.msg_len);
      ReadControl(&message.msg_hdr, room_->from[i], &received[i]);
    }
    return received;
  }

  // The kernel cuts it into segments (UDP_SEGMENT). Where it cannot, each goes by itself.
  absl::Status SendOne(const Departure& departure) {
    const std::size_t segment = departure.segment_bytes;
    if (segment == 0 || departure.bytes.size() <= segment)
      return SendBytes(departure, departure.bytes, 0);
    constexpr std::size_t kMaxSegments = 64;
    const std::size_t at_once =
        std::max<std::size_t>(std::min(kMaxSegments, kMaxDatagramBytes / segment), 1) * segment;
    bool cut = segments_;
    for (std::size_t at = 0; at < departure.bytes.size();) {
      const auto part = departure.bytes.subspan(
          at, std::min(cut ? at_once : segment, departure.bytes.size() - at));
      const absl::Status sent =
          SendBytes(departure, part, cut && part.size() > segment ? segment : 0);
      if (!sent.ok() && cut && !absl::IsResourceExhausted(sent)) {
        cut = false;
        continue;
      }
      if (!sent.ok()) return sent;
      segments_ = cut;  // One by one it could be sent: never try again.
      at += part.size();
    }
    return absl::OkStatus();
  }

  absl::Status SendBytes(const Departure& departure,
                         std::span<const std::uint8_t> bytes,
                         std::size_t segment_bytes) {
    sockaddr_in address = ToSockaddr(departure.to);
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) Control control{};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    FillControl(departure.interface_index, departure.from_address, segment_bytes, &control,
                &message);
    return SendStatus(::sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT) >= 0 ? 0
                                                                                          : errno);
  }

  // At most kMaxMany.
  void SendSome(std::span<Departure> departures) {
    if (departures.size() == 1) {
      departures[0].status = SendOne(departures[0]);
      return;
    }
    std::array<sockaddr_in, kMaxMany> addresses;
    std::array<iovec, kMaxMany> parts;
    alignas(cmsghdr) std::array<Control, kMaxMany> controls{};
    std::array<mmsghdr, kMaxMany> messages{};
    std::array<std::size_t, kMaxMany> which{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < departures.size(); ++i) {
      Departure& one = departures[i];
      if (one.segment_bytes != 0 && one.bytes.size() > one.segment_bytes) {
        one.status = SendOne(one);
        continue;
      }
      addresses[count] = ToSockaddr(one.to);
      parts[count] = {const_cast<std::uint8_t*>(one.bytes.data()), one.bytes.size()};
      msghdr& message = messages[count].msg_hdr;
      message.msg_name = &addresses[count];
      message.msg_namelen = sizeof addresses[count];
      message.msg_iov = &parts[count];
      message.msg_iovlen = 1;
      FillControl(one.interface_index, one.from_address, 0, &controls[count], &message);
      which[count++] = i;
    }
    for (std::size_t at = 0; at < count;) {
      const int sent = ::sendmmsg(descriptor_.native_handle(), messages.data() + at,
                                  static_cast<unsigned>(count - at), MSG_DONTWAIT);
      // What went wrong with the first of them; the others are tried without it.
      if (sent <= 0) departures[which[at]].status = SendStatus(errno);
      at += static_cast<std::size_t>(std::max(sent, 1));
    }
  }

  asio::posix::stream_descriptor descriptor_;
  std::uint16_t port_;
  std::vector<std::uint8_t> buffer_;
  std::unique_ptr<ReceiveRoom> room_;
  bool full_ = false;     // The last ReceiveMany took all it might.
  bool segments_ = true;  // The kernel and the device know UDP_SEGMENT.
};

absl::Status SetOption(int fd, int level, int name, int value, const char* what) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, what);
}

absl::Status Configure(int fd, const DatagramOptions& options) {
  absl::Status status = SetOption(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  if (options.receive_buffer_bytes != 0) {
    // The kernel cuts it to net.core.rmem_max unless we may force it; less is no failure.
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &options.receive_buffer_bytes, sizeof(int)) !=
        0) {
      status.Update(
          SetOption(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes, "SO_RCVBUF"));
    }
  }
  if (options.broadcast) status.Update(SetOption(fd, SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST"));
  if (options.reuse_address)
    status.Update(SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  if (!options.bind_to_device.empty() &&
      ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options.bind_to_device.c_str(),
                   static_cast<socklen_t>(options.bind_to_device.size())) != 0) {
    status.Update(
        absl::ErrnoToStatus(errno, fmt::format("bind to device {}", options.bind_to_device)));
  }
  return status;
}

}  // namespace

asio::awaitable<absl::StatusOr<std::vector<Datagram>>> DatagramSocket::ReceiveMany(std::size_t,
                                                                                   absl::Duration) {
  auto one = co_await Receive();
  if (!one.ok()) co_return one.status();
  std::vector<Datagram> received;
  received.push_back(*std::move(one));
  co_return received;
}

void DatagramSocket::SendMany(std::span<Departure> departures) {
  for (Departure& one : departures)
    one.status = Send(one.bytes, one.to, one.interface_index, one.from_address);
}

absl::StatusOr<std::unique_ptr<DatagramSocket>> DatagramSocket::Open(
    asio::any_io_executor home, const DatagramOptions& options) {
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
