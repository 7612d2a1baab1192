// Floods a server with what strangers send, as fast as asked for, and counts what comes back.
//   packet_flood garbage SERVER RATE PACKETS SEED PORT...
//   packet_flood requests SERVER RATE PACKETS SEED FIRST_SOURCE SOURCES
// `garbage`: octets at random, and DHCP messages with some octets wrong, to each of the ports in
// turn. `requests`: TFTP read requests without options from SOURCES addresses beginning with
// FIRST_SOURCE, each from a port of its own; nobody ever acknowledges. Prints
//   packets N octets S answers A answered_octets B
// Octets are counted as Ethernet carries them, from 60 for the smallest frame on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeaders = 14 + 20 + 8;  // Ethernet, IP, UDP.
constexpr std::size_t kSmallestFrame = 60;
constexpr std::size_t kOpenSockets = 512;  // Of those that wait for an answer to a request.
constexpr auto kLastAnswers = std::chrono::milliseconds(500);
constexpr std::uint16_t kTftpPort = 69;

std::size_t Frame(std::size_t payload) {
  return std::max(kSmallestFrame, payload + kHeaders);
}

struct Totals {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t answers = 0;
  std::uint64_t answered_octets = 0;
};

int OpenSocket(in_addr source) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr = source;
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) {
    std::perror("packet_flood");
    std::exit(1);
  }
  return fd;
}

void Hear(int fd, Totals* totals) {
  std::array<char, 2048> packet;
  for (;;) {
    const ssize_t got = ::recv(fd, packet.data(), packet.size(), 0);
    if (got < 0) return;
    ++totals->answers;
    totals->answered_octets += Frame(static_cast<std::size_t>(got));
  }
}

void Say(int fd, const std::string& bytes, sockaddr_in to, Totals* totals) {
  if (::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
               sizeof to) < 0)
    return;
  ++totals->packets;
  totals->octets += Frame(bytes.size());
}

// A DISCOVER of x64 UEFI from a MAC of nobody, some octets of which are others.
std::string Garbage(std::mt19937& random) {
  if (random() % 2 == 0) {
    std::string bytes(random() % 1200, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    return bytes;
  }
  std::string bytes(236, '\0');
  bytes[0] = 1;
  bytes[1] = 1;
  bytes[2] = 6;
  for (std::size_t at = 28; at < 34; ++at)
    bytes[at] = static_cast<char>(random());
  bytes += std::string("\x63\x82\x53\x63\x35\x01\x01\x3c\x20PXEClient:Arch:00007:UNDI:003016", 41);
  bytes += std::string("\x5d\x02\x00\x07\x5e\x03\x01\x03\x10\xff", 10);
  for (unsigned wrong = random() % 8; wrong > 0; --wrong)
    bytes[random() % bytes.size()] = static_cast<char>(random());
  return bytes;
}

class Pace {
 public:
  explicit Pace(double rate) : rate_(rate) {}

  // Until it is the next packet's turn.
  void Wait(std::uint64_t packets) const {
    const auto due =
        began_ + std::chrono::duration_cast<Clock::duration>(
                     std::chrono::duration<double>(static_cast<double>(packets) / rate_));
    if (due - Clock::now() > std::chrono::milliseconds(1)) std::this_thread::sleep_until(due);
  }

 private:
  double rate_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> given(words + 1, words + count);
  const bool requests = !given.empty() && given[0] == "requests";
  if (given.size() < 6 || (requests && given.size() != 7) || (!requests && given[0] != "garbage")) {
    std::fprintf(stderr, "usage: packet_flood garbage|requests SERVER RATE PACKETS SEED ...\n");
    return 64;
  }
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = inet_addr(words[2]);
  const Pace pace(std::atof(words[3]));
  const std::uint64_t packets = std::strtoull(words[4], nullptr, 10);
  std::mt19937 random(static_cast<std::uint32_t>(std::strtoul(words[5], nullptr, 10)));
  Totals totals;
  std::deque<int> sockets;
  if (requests) {
    const std::string request("\0\1ipxe.efi\0octet\0", 17);
    const std::uint32_t first = ntohl(inet_addr(words[6]));
    const auto sources = static_cast<std::uint32_t>(std::atoi(words[7]));
    server.sin_port = htons(kTftpPort);
    for (std::uint64_t i = 0; i < packets; ++i) {
      pace.Wait(i);
      sockets.push_back(OpenSocket({htonl(first + static_cast<std::uint32_t>(i % sources))}));
      Say(sockets.back(), request, server, &totals);
      if (sockets.size() <= kOpenSockets) continue;
      Hear(sockets.front(), &totals);
      ::close(sockets.front());
      sockets.pop_front();
    }
  } else {
    sockets.push_back(OpenSocket({INADDR_ANY}));
    for (std::uint64_t i = 0; i < packets; ++i) {
      pace.Wait(i);
      server.sin_port =
          htons(static_cast<std::uint16_t>(std::atoi(words[6 + i % (given.size() - 5)])));
      Say(sockets.back(), Garbage(random), server, &totals);
      Hear(sockets.back(), &totals);
    }
  }
  std::this_thread::sleep_for(kLastAnswers);
  for (const int fd : sockets)
    Hear(fd, &totals);
  std::printf("packets %llu octets %llu answers %llu answered_octets %llu\n",
              static_cast<unsigned long long>(totals.packets),
              static_cast<unsigned long long>(totals.octets),
              static_cast<unsigned long long>(totals.answers),
              static_cast<unsigned long long>(totals.answered_octets));
  return 0;
}
