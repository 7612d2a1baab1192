// DISCOVERs at a steady rate, as a relay sends them, and how long each waited for its offer.
//   dhcp_load LOCAL SERVER RATE SECONDS MACHINES
// From LOCAL:67, of MACHINES machines with the MACs 52:54:00:aa:00:00 and on. Prints
//   sent S answered A p50_ms X p99_ms Y max_ms Z
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "libs/wire/dhcp.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace tentacle;  // NOLINT(google-build-using-namespace)

constexpr std::uint16_t kDhcpPort = 67;
constexpr auto kGrace = std::chrono::seconds(1);  // For the last offers.

sockaddr_in Endpoint(const char* address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(kDhcpPort);
  if (::inet_pton(AF_INET, address, &out.sin_addr) != 1) std::exit(64);
  return out;
}

wire::Buffer Discover(std::uint32_t number, std::uint32_t machines, std::uint32_t relay) {
  wire::DhcpMessage message;
  message.transaction_id = number;
  message.hops = 1;
  message.gateway_address = relay;
  const std::uint32_t machine = number % machines;
  message.hardware_address = {0x52,
                              0x54,
                              0,
                              0xaa,
                              static_cast<std::uint8_t>(machine >> 8),
                              static_cast<std::uint8_t>(machine & 0xff)};
  const std::uint8_t discover = 1;
  const std::array<std::uint8_t, 2> x64 = {0, 7};
  const std::array<std::uint8_t, 3> undi = {1, 3, 16};
  message.Add(wire::dhcp_option::kMessageType, wire::Bytes(&discover, 1));
  message.AddText(wire::dhcp_option::kVendorClass, "PXEClient:Arch:00007:UNDI:003016");
  message.Add(wire::dhcp_option::kClientArch, x64);
  message.Add(wire::dhcp_option::kClientInterface, undi);
  return wire::EmitDhcp(message);
}

double Percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: dhcp_load LOCAL SERVER RATE SECONDS MACHINES\n");
    return 64;
  }
  const sockaddr_in local = Endpoint(argv[1]);
  const sockaddr_in server = Endpoint(argv[2]);
  const double rate = std::atof(argv[3]);
  const auto total = static_cast<std::uint32_t>(rate * std::atof(argv[4]));
  const auto machines = static_cast<std::uint32_t>(std::atoi(argv[5]));
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    std::perror("dhcp_load: socket");
    return 1;
  }
  std::vector<Clock::time_point> sent_at(total);
  std::vector<double> waited;
  waited.reserve(total);
  std::uint32_t sent = 0;
  const auto began = Clock::now();
  auto end = began + std::chrono::hours(1);
  while (Clock::now() < end && waited.size() < total) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
    while (sent < total && static_cast<double>(sent) <= elapsed * rate) {
      const wire::Buffer bytes = Discover(sent, machines, ntohl(local.sin_addr.s_addr));
      sent_at[sent] = Clock::now();
      if (::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&server),
                   sizeof server) < 0)
        break;
      if (++sent == total) end = Clock::now() + kGrace;
    }
    std::array<std::uint8_t, 2048> packet;
    for (;;) {
      const ssize_t got = ::recv(fd, packet.data(), packet.size(), 0);
      if (got < 0) break;
      const auto reply = wire::ParseDhcp(wire::Bytes(packet.data(), static_cast<std::size_t>(got)));
      if (!reply.ok() || reply->type() != wire::DhcpType::kOffer || reply->transaction_id >= sent)
        continue;
      waited.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - sent_at[reply->transaction_id])
              .count());
    }
    pollfd wait{fd, POLLIN, 0};
    const timespec moment{0, 50'000};
    ::ppoll(&wait, 1, &moment, nullptr);
  }
  ::close(fd);
  std::sort(waited.begin(), waited.end());
  std::printf("sent %u answered %zu p50_ms %.3f p99_ms %.3f max_ms %.3f\n", sent, waited.size(),
              Percentile(waited, 0.5), Percentile(waited, 0.99),
              waited.empty() ? 0 : waited.back());
  return 0;
}
