// Many TFTP clients in one thread: fetches a file again and again and checks every octet of it.
//   tftp_load SERVER FILE REFERENCE CLIENTS TIMES BLOCK WINDOW [FIRST_SOURCE]
// CLIENTS clients, each from an address of its own beginning with FIRST_SOURCE, fetch FILE (whose
// content is REFERENCE) TIMES times one after the other, with blksize BLOCK and windowsize WINDOW
// (1: not asked for). Prints
//   seconds S mib_per_s M packets P repeated R failed F
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::milliseconds(1000);  // Then the last word is said again.
constexpr auto kGiveUp = std::chrono::seconds(100);          // Of the whole run.
constexpr std::uint16_t kTftpPort = 69;

struct Job {
  sockaddr_in server{};
  std::string file;
  std::string reference;
  unsigned times = 1;
  unsigned block_bytes = 512;
  unsigned window = 1;
};

struct Totals {
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
  std::uint64_t repeated = 0;
  unsigned failed = 0;
};

std::uint16_t Number(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

class Client {
 public:
  Client(const Job& job, in_addr source, Totals& totals)
      : job_(job), source_(source), totals_(totals) {}

  ~Client() { CloseSocket(); }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool Start(int epoll) {
    epoll_ = epoll;
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr = source_;
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0)
      return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = this;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) return false;
    at_ = 0;
    block_ = 0;
    acknowledged_ = 0;
    connected_ = false;
    block_bytes_ = 512;
    window_ = 1;
    std::string request("\0\1", 2);
    request += job_.file + '\0' + "octet" + '\0' + "blksize" + '\0' +
               std::to_string(job_.block_bytes) + '\0';
    if (job_.window > 1)
      request += std::string("windowsize") + '\0' + std::to_string(job_.window) + '\0';
    last_.assign(request.begin(), request.end());
    Say(&job_.server);
    return true;
  }

  // False when it has nothing more to do.
  bool OnReadable() {
    std::array<std::uint8_t, 2048> packet;
    for (;;) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got = connected_ ? ::recv(fd_, packet.data(), packet.size(), 0)
                                     : ::recvfrom(fd_, packet.data(), packet.size(), 0,
                                                  reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 4) return true;  // Nothing more, or an ICMP error of an earlier word.
      ++totals_.packets;
      if (!connected_) {
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0;
      }
      const bool go_on = OnPacket(packet.data(), static_cast<std::size_t>(got));
      if (!go_on) return NextTransfer();
    }
  }

  void OnTick(Clock::time_point now) {
    if (fd_ >= 0 && now - said_ >= kPatience) Say(connected_ ? nullptr : &job_.server);
  }

  bool ok() const { return done_ == job_.times; }

 private:
  // False: the transfer is over.
  bool OnPacket(const std::uint8_t* packet, std::size_t size) {
    switch (Number(packet)) {
      case 6:
        ReadOack(std::string_view(reinterpret_cast<const char*>(packet) + 2, size - 2));
        return Acknowledge();
      case 3:
        return OnData(Number(packet + 2), packet + 4, size - 4);
      default:
        std::fprintf(stderr, "tftp_load: the server says \"%.*s\"\n", static_cast<int>(size - 4),
                     reinterpret_cast<const char*>(packet + 4));
        broken_ = true;
        return false;
    }
  }

  void ReadOack(std::string_view text) {
    while (!text.empty()) {
      const std::string name(text.substr(0, text.find('\0')));
      text.remove_prefix(std::min(name.size() + 1, text.size()));
      const std::string value(text.substr(0, text.find('\0')));
      text.remove_prefix(std::min(value.size() + 1, text.size()));
      if (name == "blksize") block_bytes_ = static_cast<unsigned>(std::atoi(value.c_str()));
      if (name == "windowsize") window_ = static_cast<unsigned>(std::atoi(value.c_str()));
    }
  }

  bool OnData(std::uint16_t number, const std::uint8_t* data, std::size_t size) {
    if (number != static_cast<std::uint16_t>(block_ + 1)) {
      ++totals_.repeated;
      // A gap in a window is told once; what came before is passed over (RFC 7440 section 4).
      const auto ahead = static_cast<std::uint16_t>(number - static_cast<std::uint16_t>(block_));
      if (window_ == 1 || (ahead < 0x8000 && !gap_told_)) {
        gap_told_ = true;
        Acknowledge();
      }
      return true;
    }
    gap_told_ = false;
    if (size > job_.reference.size() - at_ ||
        std::memcmp(job_.reference.data() + at_, data, size) != 0) {
      std::fprintf(stderr, "tftp_load: block %llu is wrong\n",
                   static_cast<unsigned long long>(block_ + 1));
      broken_ = true;
      return false;
    }
    ++block_;
    at_ += size;
    const bool last = size < block_bytes_;
    if (last || block_ - acknowledged_ >= window_) Acknowledge();
    if (!last) return true;
    broken_ = broken_ || at_ != job_.reference.size();
    return false;
  }

  bool Acknowledge() {
    acknowledged_ = block_;
    const auto number = static_cast<std::uint16_t>(block_);
    last_ = {0, 4, static_cast<std::uint8_t>(number >> 8),
             static_cast<std::uint8_t>(number & 0xff)};
    Say(nullptr);
    return true;
  }

  void Say(const sockaddr_in* to) {
    said_ = Clock::now();
    const ssize_t sent = to == nullptr
                             ? ::send(fd_, last_.data(), last_.size(), 0)
                             : ::sendto(fd_, last_.data(), last_.size(), 0,
                                        reinterpret_cast<const sockaddr*>(to), sizeof *to);
    if (sent < 0) return;  // Said again after a while.
  }

  bool NextTransfer() {
    CloseSocket();
    if (broken_) {
      ++totals_.failed;
      return false;
    }
    totals_.octets += at_;
    return ++done_ < job_.times && Start(epoll_);
  }

  void CloseSocket() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  const Job& job_;
  in_addr source_;
  Totals& totals_;
  int epoll_ = -1;
  int fd_ = -1;
  bool connected_ = false;
  bool broken_ = false;
  bool gap_told_ = false;
  unsigned done_ = 0;
  unsigned block_bytes_ = 512;
  unsigned window_ = 1;
  std::uint64_t block_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::size_t at_ = 0;
  std::vector<std::uint8_t> last_;
  Clock::time_point said_;
};

// Until all are done, or time is over.
void Run(std::vector<std::unique_ptr<Client>>& clients, int epoll) {
  const auto until = Clock::now() + kGiveUp;
  std::size_t at_work = clients.size();
  auto ticked = Clock::now();
  while (at_work > 0) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      if (!static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr)->OnReadable())
        --at_work;
    }
    const auto now = Clock::now();
    if (now > until) return;
    if (now - ticked < std::chrono::milliseconds(100)) continue;
    ticked = now;
    for (const auto& client : clients)
      client->OnTick(now);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::fprintf(
        stderr,
        "usage: tftp_load SERVER FILE REFERENCE CLIENTS TIMES BLOCK WINDOW [FIRST_SOURCE]\n");
    return 64;
  }
  Job job;
  job.server.sin_family = AF_INET;
  job.server.sin_port = htons(kTftpPort);
  if (::inet_pton(AF_INET, argv[1], &job.server.sin_addr) != 1) return 64;
  job.file = argv[2];
  std::ifstream reference(argv[3], std::ios::binary);
  job.reference.assign(std::istreambuf_iterator<char>(reference), std::istreambuf_iterator<char>());
  const auto count = static_cast<unsigned>(std::atoi(argv[4]));
  job.times = static_cast<unsigned>(std::atoi(argv[5]));
  job.block_bytes = static_cast<unsigned>(std::atoi(argv[6]));
  job.window = static_cast<unsigned>(std::atoi(argv[7]));
  in_addr first{};
  if (argc > 8 && ::inet_pton(AF_INET, argv[8], &first) != 1) return 64;

  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  Totals totals;
  std::vector<std::unique_ptr<Client>> clients;
  const auto began = Clock::now();
  for (unsigned i = 0; i < count; ++i) {
    in_addr source = first;
    if (first.s_addr != 0) source.s_addr = htonl(ntohl(first.s_addr) + i);
    clients.push_back(std::make_unique<Client>(job, source, totals));
    if (!clients.back()->Start(epoll)) {
      std::perror("tftp_load: socket");
      return 1;
    }
  }
  Run(clients, epoll);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const auto failed = static_cast<unsigned>(std::count_if(
      clients.begin(), clients.end(), [](const auto& client) { return !client->ok(); }));
  std::printf("seconds %.3f mib_per_s %.2f packets %llu repeated %llu failed %u\n", seconds,
              static_cast<double>(totals.octets) / 1048576.0 / seconds,
              static_cast<unsigned long long>(totals.packets),
              static_cast<unsigned long long>(totals.repeated), failed);
  return failed == 0 ? 0 : 1;
}
