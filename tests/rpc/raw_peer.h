// A neighbour without manners: bytes to a service's socket, as the test likes.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tentacle::testing {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9113, 4.1.
inline std::string Frame(int type, int flags, std::uint32_t stream, const std::string& payload) {
  std::string out;
  for (const int shift : {16, 8, 0})
    out.push_back(static_cast<char>(payload.size() >> shift & 0xff));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0})
    out.push_back(static_cast<char>(stream >> shift & 0xff));
  return out + payload;
}

class RawPeer {
 public:
  explicit RawPeer(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::fcntl(fd_, F_SETFL, O_NONBLOCK), 0);
  }

  ~RawPeer() {
    if (fd_ >= 0) ::close(fd_);
  }

  RawPeer(RawPeer&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }

  RawPeer& operator=(RawPeer&&) = delete;

  // False when the service takes no more, or is gone.
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // At least `size` bytes, or fewer at the end of the connection.
  std::string Read(std::size_t size) const {
    std::string out;
    while (out.size() < size) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, 30'000) <= 0) break;
      char buffer[4096];
      const ssize_t got = ::read(fd_, buffer, sizeof buffer);
      if (got <= 0) break;
      out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
  }

 private:
  int fd_;
};

}  // namespace tentacle::testing
