// Frames at a set pace: frame_storm INTERFACE PER_SECOND COUNT CARDS FILE... sends the frames of
// the files in turn, each with the source MAC of one of CARDS cards (00:1c:42:...; ARP's sender is
// changed with it, and its address lies in 10.92.0.0/16). Prints how many were sent and the seconds
// that it took.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace {

using Frame = std::vector<std::uint8_t>;

void BeCard(Frame& frame, std::uint32_t card) {
  const std::uint8_t mac[6] = {0x00,
                               0x1c,
                               0x42,
                               0x00,
                               static_cast<std::uint8_t>(card >> 8),
                               static_cast<std::uint8_t>(card)};
  std::copy(mac, mac + 6, frame.begin() + 6);
  if (frame.size() < 42 || frame[12] != 0x08 || frame[13] != 0x06) return;
  std::copy(mac, mac + 6, frame.begin() + 22);
  const std::uint8_t address[4] = {10, 92, static_cast<std::uint8_t>(1 + card / 250),
                                   static_cast<std::uint8_t>(1 + card % 250)};
  std::copy(address, address + 4, frame.begin() + 28);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: %s INTERFACE PER_SECOND COUNT CARDS FILE...\n", argv[0]);
    return 64;
  }
  const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(argv[1]));
  const double per_second = std::strtod(argv[2], nullptr);
  const auto count = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10));
  const auto cards = static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 10));
  std::vector<Frame> frames;
  for (int i = 5; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    frames.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (frames.back().size() < 14) return 1;
  }
  const auto start = std::chrono::steady_clock::now();
  std::uint32_t sent = 0;
  for (std::uint32_t n = 0; n < count; ++n) {
    Frame& frame = frames[n % frames.size()];
    BeCard(frame, n % cards);
    if (::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) >
        0)
      ++sent;
    const std::chrono::duration<double> due((n + 1) / per_second);
    std::this_thread::sleep_until(start +
                                  std::chrono::duration_cast<std::chrono::nanoseconds>(due));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%u %.3f\n", sent, took.count());
  return 0;
}
