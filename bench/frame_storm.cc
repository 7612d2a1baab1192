// Frames at a set pace: frame_storm INTERFACE PER_SECOND COUNT CARDS FILE... sends the frames of
// the files in turn, each as one of CARDS cards (00:1c:42:...) of 10.92.0.0/16 would send it, so
// that each tells something. Prints how many were sent and the seconds that it took.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
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
using Address = std::array<std::uint8_t, 4>;

constexpr std::size_t kArpSenderMac = 22;
constexpr std::size_t kArpSender = 28;
constexpr std::size_t kIp = 14;
constexpr std::size_t kIpChecksum = kIp + 10;
constexpr std::size_t kIpSource = kIp + 12;
constexpr std::size_t kUdp = kIp + 20;
constexpr std::size_t kUdpChecksum = kUdp + 6;
constexpr std::size_t kDhcpClient = kUdp + 8 + 28;
constexpr std::uint8_t kDhcpServerPort = 67;

bool IsType(const Frame& frame, std::uint8_t low) {
  return frame.size() >= 42 && frame[12] == 0x08 && frame[13] == low;
}

void SumIpHeader(Frame& frame) {
  frame[kIpChecksum] = frame[kIpChecksum + 1] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = kIp; i < kUdp; i += 2)
    sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  frame[kIpChecksum] = static_cast<std::uint8_t>(~sum >> 8);
  frame[kIpChecksum + 1] = static_cast<std::uint8_t>(~sum);
}

// A client without an address names its card; who has one says so in the header, and in the record
// at the end when its name has that address.
void BeSenderOfUdp(Frame& frame, const std::array<std::uint8_t, 6>& mac, const Address& address) {
  Address before{};
  std::copy_n(frame.begin() + kIpSource, 4, before.begin());
  if (frame[kUdp + 3] == kDhcpServerPort && frame.size() > kDhcpClient + 6) {
    std::copy(mac.begin(), mac.end(), frame.begin() + kDhcpClient);
    return;
  }
  if (std::equal(before.begin(), before.end(), frame.end() - 4))
    std::copy(address.begin(), address.end(), frame.end() - 4);
  std::copy(address.begin(), address.end(), frame.begin() + kIpSource);
  frame[kUdpChecksum] = frame[kUdpChecksum + 1] = 0;  // None (RFC 768).
  SumIpHeader(frame);
}

void BeCard(Frame& frame, std::uint32_t card) {
  const std::array<std::uint8_t, 6> mac = {0x00,
                                           0x1c,
                                           0x42,
                                           0x00,
                                           static_cast<std::uint8_t>(card >> 8),
                                           static_cast<std::uint8_t>(card)};
  const Address address = {10, 92, static_cast<std::uint8_t>(1 + card / 250),
                           static_cast<std::uint8_t>(1 + card % 250)};
  std::copy(mac.begin(), mac.end(), frame.begin() + 6);
  if (IsType(frame, 0x06)) {
    std::copy(mac.begin(), mac.end(), frame.begin() + kArpSenderMac);
    std::copy(address.begin(), address.end(), frame.begin() + kArpSender);
  }
  if (IsType(frame, 0x00)) BeSenderOfUdp(frame, mac, address);
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
