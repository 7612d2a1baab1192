// So many clients that fetch one path at once and throw the bytes away, so that the server is what
// is measured: MSG_TRUNC takes bytes from a socket without copying them. Each has an address
// of its own, since a server may let one have a few connections only. Prints one line:
//   seconds bytes first_byte_p99_ms last_client_s short_answers
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kTakeBytes = 1 << 20;

double Seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

struct Connection {
  int fd = -1;
  int left = 0;  // Requests still to be made.
  std::string head;
  bool in_body = false;
  std::uint64_t expected = 0;
  std::uint64_t got = 0;
  Clock::time_point asked;
  double first_byte_ms = -1;
  double done_s = 0;
};

class Clients {
 public:
  Clients(std::uint16_t port, std::string path, int count, int requests)
      : request_("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n"),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        all_(static_cast<std::size_t>(count)) {
    for (std::size_t i = 0; i < all_.size(); ++i)
      Connect(all_[i], port, i, requests);
  }

  int Run() {
    begun_ = Clock::now();
    for (Connection& one : all_)
      Ask(one);
    open_ = all_.size();
    std::vector<epoll_event> events(256);
    while (open_ > 0) {
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 120'000);
      if (count <= 0) break;
      for (int i = 0; i < count; ++i)
        OnReadable(all_[events[static_cast<std::size_t>(i)].data.u64]);
    }
    Print();
    return short_ == 0 && open_ == 0 ? 0 : 1;
  }

 private:
  void Connect(Connection& one, std::uint16_t port, std::size_t index, int requests) {
    one.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    one.left = requests;
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + static_cast<std::uint32_t>(index));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(one.fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(one.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      std::perror("image_clients: connect");
      std::exit(1);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event);
  }

  void Ask(Connection& one) {
    --one.left;
    one.in_body = false;
    one.head.clear();
    one.got = 0;
    one.asked = Clock::now();
    if (::send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) End(one, true);
  }

  void OnReadable(Connection& one) {
    if (one.fd < 0) return;
    if (!one.in_body && !ReadHead(one)) return;
    if (one.got < one.expected) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(one.expected - one.got, kTakeBytes));
      const ssize_t got = ::recv(one.fd, nullptr, want, MSG_TRUNC | MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0) return End(one, true);
      NoteFirst(one);
      one.got += static_cast<std::uint64_t>(got);
      bytes_ += static_cast<std::uint64_t>(got);
    }
    if (one.got < one.expected) return;
    if (one.left > 0) return Ask(one);
    End(one, false);
  }

  bool ReadHead(Connection& one) {
    char piece[4096];
    const ssize_t peeked = ::recv(one.fd, piece, sizeof piece, MSG_PEEK | MSG_DONTWAIT);
    if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (peeked <= 0) {
      End(one, true);
      return false;
    }
    const std::size_t before = one.head.size();
    one.head.append(piece, static_cast<std::size_t>(peeked));
    const auto end = one.head.find("\r\n\r\n");
    const std::size_t take =
        end == std::string::npos ? static_cast<std::size_t>(peeked) : end + 4 - before;
    static_cast<void>(::recv(one.fd, piece, take, 0));
    if (end == std::string::npos) return false;
    one.head.resize(end + 4);
    const auto at = one.head.find("Content-Length: ");
    if (!one.head.starts_with("HTTP/1.1 200") || at == std::string::npos) {
      std::fprintf(stderr, "image_clients: %s\n", one.head.substr(0, one.head.find('\r')).c_str());
      End(one, true);
      return false;
    }
    one.expected = std::strtoull(one.head.c_str() + at + 16, nullptr, 10);
    one.in_body = true;
    return true;
  }

  static void NoteFirst(Connection& one) {
    if (one.first_byte_ms < 0) one.first_byte_ms = 1000 * Seconds(Clock::now() - one.asked);
  }

  void End(Connection& one, bool is_short) {
    ::close(one.fd);
    one.fd = -1;
    one.done_s = Seconds(Clock::now() - begun_);
    short_ += is_short ? 1 : 0;
    --open_;
  }

  void Print() const {
    std::vector<double> first;
    double last = 0;
    for (const Connection& one : all_) {
      first.push_back(one.first_byte_ms);
      last = std::max(last, one.done_s);
    }
    std::sort(first.begin(), first.end());
    std::printf("%.3f %llu %.1f %.3f %d\n", Seconds(Clock::now() - begun_),
                static_cast<unsigned long long>(bytes_), first[(first.size() * 99 + 99) / 100 - 1],
                last, short_);
  }

  const std::string request_;
  const int epoll_;
  std::vector<Connection> all_;
  Clock::time_point begun_;
  std::size_t open_ = 0;
  std::uint64_t bytes_ = 0;
  int short_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("image_clients PORT PATH CLIENTS REQUESTS_EACH\n", stderr);
    return 64;
  }
  return Clients(static_cast<std::uint16_t>(std::atoi(argv[1])), argv[2], std::atoi(argv[3]),
                 std::atoi(argv[4]))
      .Run();
}
