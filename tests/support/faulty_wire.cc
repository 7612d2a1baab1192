// A wire that is not perfect, between two network interfaces of this namespace: what comes in at
// one goes out at the other, later, twice, in another order or never. The faults are drawn from a
// seed.
//   faulty_wire DEVICE DEVICE [seed=1] [loss=0] [dup=0] [reorder=0] [delay_ms=0] [jitter_ms=0]
// loss, dup and reorder are parts of one (0.01 is one packet in a hundred). A reordered packet goes
// out without its delay, or with some when there is none. SIGTERM ends it; it prints what it did.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBatch = 64;  // Taken from one side before the other has its turn.
constexpr std::size_t kMaxFrame =
    70'000;  // With the kernel's header in front; a device may hand over 64 KiB.
constexpr std::size_t kMaxWaiting = 100'000;  // Frames; more than any test keeps under way.
constexpr int kBufferBytes = 8 << 20;
constexpr double kReorderDelayMs = 2;  // Where there is no delay that could be left out.

using Options = std::map<std::string, double>;

struct Frame {
  Clock::time_point due;
  std::uint64_t number = 0;
  std::size_t to = 0;
  std::vector<std::uint8_t> bytes;

  // For a queue whose top is the next one due.
  bool operator<(const Frame& other) const {
    return std::pair(due, number) > std::pair(other.due, other.number);
  }
};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// PACKET_VNET_HDR: the kernel says in front of each frame what of it (checksum, segmentation) is
// still to be done, and is told so when it goes out.
int OpenDevice(const char* name) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  const int one = 1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
  if (fd < 0 || address.sll_ifindex == 0) Fail(name);
  if (::setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0) Fail("PACKET_VNET_HDR");
  if (::setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0)
    Fail("PACKET_IGNORE_OUTGOING");
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes) != 0)
    Fail("SO_RCVBUFFORCE");
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (::setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0)
    Fail("promiscuous");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) Fail(name);
  return fd;
}

class Wire {
 public:
  Wire(std::array<int, 2> ends, const Options& options)
      : ends_(ends),
        options_(options),
        random_(static_cast<std::uint64_t>(options.at("seed"))),
        buffer_(kMaxFrame) {}

  // Until `stop` can be read.
  void Run(int stop) {
    for (;;) {
      SendDue();
      std::array<pollfd, 3> wait = {
          {{ends_[0], POLLIN, 0}, {ends_[1], POLLIN, 0}, {stop, POLLIN, 0}}};
      const timespec patience = Patience();
      if (::ppoll(wait.data(), wait.size(), &patience, nullptr) < 0) Fail("poll");
      if (wait[2].revents != 0) return;
      for (std::size_t from = 0; from < 2; ++from) {
        if (wait[from].revents != 0) Take(from);
      }
    }
  }

  void Print() const {
    std::printf("carried %llu lost %llu doubled %llu reordered %llu\n",
                static_cast<unsigned long long>(number_), static_cast<unsigned long long>(lost_),
                static_cast<unsigned long long>(doubled_),
                static_cast<unsigned long long>(reordered_));
  }

 private:
  bool Chance(const char* what) {
    return std::uniform_real_distribution<>(0, 1)(random_) < options_.at(what);
  }

  timespec Patience() const {
    if (waiting_.empty()) return {1, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::nanoseconds>(waiting_.top().due - Clock::now())
            .count();
    return {0, std::clamp<long>(left, 0, 999'999'999)};
  }

  void SendDue() {
    while (!waiting_.empty() && waiting_.top().due <= Clock::now()) {
      const Frame& frame = waiting_.top();
      // A device that does not take it has lost it.
      if (::send(ends_[frame.to], frame.bytes.data(), frame.bytes.size(), 0) < 0) ++lost_;
      waiting_.pop();
    }
  }

  void Take(std::size_t from) {
    for (int i = 0; i < kBatch; ++i) {
      const ssize_t size = ::recv(ends_[from], buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size <= 0) return;
      if (Chance("loss") || waiting_.size() >= kMaxWaiting) {
        ++lost_;
        continue;
      }
      const bool twice = Chance("dup");
      if (twice) ++doubled_;
      for (int copy = 0; copy < (twice ? 2 : 1); ++copy)
        Queue(1 - from, static_cast<std::size_t>(size));
    }
  }

  void Queue(std::size_t to, std::size_t size) {
    double delay_ms = options_.at("delay_ms");
    delay_ms += options_.at("jitter_ms") * std::uniform_real_distribution<>(-1, 1)(random_);
    if (Chance("reorder")) {
      ++reordered_;
      delay_ms = options_.at("delay_ms") > 0 ? 0 : kReorderDelayMs;
    }
    const auto due =
        Clock::now() + std::chrono::microseconds(static_cast<long>(std::max(0.0, delay_ms) * 1000));
    waiting_.push({due,
                   number_++,
                   to,
                   {buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)}});
  }

  std::array<int, 2> ends_;
  const Options& options_;
  std::mt19937_64 random_;
  std::vector<std::uint8_t> buffer_;
  std::priority_queue<Frame> waiting_;
  std::uint64_t number_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t doubled_ = 0;
  std::uint64_t reordered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options = {{"seed", 1},    {"loss", 0},     {"dup", 0},
                     {"reorder", 0}, {"delay_ms", 0}, {"jitter_ms", 0}};
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: faulty_wire DEVICE DEVICE [seed=1] [loss=0] [dup=0] [reorder=0] "
                 "[delay_ms=0] [jitter_ms=0]\n");
    return 64;
  }
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    const auto at = options.find(word.substr(0, equals));
    if (equals == std::string::npos || at == options.end()) {
      std::fprintf(stderr, "faulty_wire: what is \"%s\"?\n", argv[i]);
      return 64;
    }
    at->second = std::atof(word.c_str() + equals + 1);
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int stop = ::signalfd(-1, &signals, SFD_CLOEXEC);
  Wire wire({OpenDevice(argv[1]), OpenDevice(argv[2])}, options);
  std::puts("open");
  std::fflush(stdout);
  wire.Run(stop);
  wire.Print();
  return 0;
}
