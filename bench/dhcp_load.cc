// DISCOVERs at a steady rate, as a relay sends them, and how long each waited for its offer.
//   dhcp_load LOCAL SERVER RATE SECONDS MACHINES
// From LOCAL:67, of MACHINES machines with the MACs 52:54:00:aa:00:00 and on. Prints
//   sent S answered A rate R p50_ms X p99_ms Y max_ms Z
// where R is answers a second, from the first DISCOVER to the last answer.
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
constexpr int kReceiveBytes = 16 << 20;
constexpr std::size_t kMaxReplyBytes = 1500;

sockaddr_in Endpoint(const char* address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(kDhcpPort);
  if (::inet_pton(AF_INET, address, &out.sin_addr) != 1) std::exit(64);
  return out;
}

constexpr std::size_t kXidAt = 4;  // RFC 2131 section 2.
constexpr std::size_t kMacAt = 28;

// What every machine says; Address() makes it one machine's.
wire::Buffer Discover(std::uint32_t relay) {
  wire::DhcpMessage message;
  message.hops = 1;
  message.gateway_address = relay;
  message.hardware_address = {0x52, 0x54, 0, 0xaa};
  const std::uint8_t discover = 1;
  const std::array<std::uint8_t, 2> x64 = {0, 7};
  const std::array<std::uint8_t, 3> undi = {1, 3, 16};
  const std::array<std::uint8_t, 17> machine_id = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  message.Add(wire::dhcp_option::kMessageType, wire::Bytes(&discover, 1));
  message.AddText(wire::dhcp_option::kVendorClass, "PXEClient:Arch:00007:UNDI:003016");
  message.Add(wire::dhcp_option::kClientArch, x64);
  message.Add(wire::dhcp_option::kClientInterface, undi);
  message.Add(wire::dhcp_option::kClientMachineId, machine_id);
  return wire::EmitDhcp(message);
}

void Address(std::uint32_t number, std::uint32_t machine, wire::Buffer* discover) {
  for (unsigned i = 0; i < 4; ++i)
    (*discover)[kXidAt + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  (*discover)[kMacAt + 4] = static_cast<std::uint8_t>(machine >> 8);
  (*discover)[kMacAt + 5] = static_cast<std::uint8_t>(machine);
}

// Several datagrams for one call of the kernel: a client that is slower than the server would
// measure itself.
class Batch {
 public:
  static constexpr std::size_t kSize = 32;

  Batch(std::size_t bytes, const sockaddr_in* to) {
    for (std::size_t i = 0; i < kSize; ++i) {
      buffers_[i].resize(bytes);
      parts_[i] = {buffers_[i].data(), bytes};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      if (to == nullptr) continue;
      messages_[i].msg_hdr.msg_name = const_cast<sockaddr_in*>(to);  // Not written to by sendmmsg.
      messages_[i].msg_hdr.msg_namelen = sizeof *to;
    }
  }

  wire::Buffer& at(std::size_t i) { return buffers_[i]; }

  std::size_t Send(int fd, std::size_t count) {
    const int sent = ::sendmmsg(fd, messages_.data(), static_cast<unsigned>(count), 0);
    return static_cast<std::size_t>(std::max(sent, 0));
  }

  std::size_t Receive(int fd) {
    const int got = ::recvmmsg(fd, messages_.data(), kSize, MSG_DONTWAIT, nullptr);
    return static_cast<std::size_t>(std::max(got, 0));
  }

  wire::Bytes Received(std::size_t i) const {
    return wire::Bytes(buffers_[i].data(), messages_[i].msg_len);
  }

 private:
  std::array<wire::Buffer, kSize> buffers_;
  std::array<iovec, kSize> parts_{};
  std::array<mmsghdr, kSize> messages_{};
};

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
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof kReceiveBytes);
  std::vector<Clock::time_point> sent_at(total);
  std::vector<double> waited;
  waited.reserve(total);
  const wire::Buffer discover = Discover(ntohl(local.sin_addr.s_addr));
  Batch out(discover.size(), &server);
  for (std::size_t i = 0; i < Batch::kSize; ++i)
    out.at(i) = discover;
  Batch in(kMaxReplyBytes, nullptr);
  std::uint32_t sent = 0;
  const auto began = Clock::now();
  auto end = began + std::chrono::hours(1);
  auto last_answer = began;
  while (waited.size() < total) {
    const auto now = Clock::now();
    if (now >= end) break;
    const double due = std::chrono::duration<double>(now - began).count() * rate + 1;
    const auto count = static_cast<std::uint32_t>(std::min(
        {due - sent, static_cast<double>(total - sent), static_cast<double>(Batch::kSize)}));
    for (std::uint32_t i = 0; i < count; ++i) {
      Address(sent + i, (sent + i) % machines, &out.at(i));
      sent_at[sent + i] = now;
    }
    sent += static_cast<std::uint32_t>(count == 0 ? 0 : out.Send(fd, count));
    if (sent == total && end - now > kGrace) end = now + kGrace;
    const std::size_t got = in.Receive(fd);
    if (got != 0) last_answer = Clock::now();
    for (std::size_t i = 0; i < got; ++i) {
      const auto reply = wire::ParseDhcp(in.Received(i));
      if (!reply.ok() || reply->type() != wire::DhcpType::kOffer || reply->transaction_id >= sent)
        continue;
      waited.push_back(
          std::chrono::duration<double, std::milli>(last_answer - sent_at[reply->transaction_id])
              .count());
    }
    if (count != 0 || got != 0) continue;
    pollfd wait{fd, POLLIN, 0};
    const timespec moment{0, 50'000};
    ::ppoll(&wait, 1, &moment, nullptr);
  }
  ::close(fd);
  std::sort(waited.begin(), waited.end());
  const double seconds = std::chrono::duration<double>(last_answer - began).count();
  std::printf("sent %u answered %zu rate %.0f p50_ms %.3f p99_ms %.3f max_ms %.3f\n", sent,
              waited.size(), static_cast<double>(waited.size()) / std::max(seconds, 1e-9),
              Percentile(waited, 0.5), Percentile(waited, 0.99),
              waited.empty() ? 0 : waited.back());
  return 0;
}
