// What libs/wire reads in DHCP packets, and what pxe answers, for a comparison with other readers.
//   dhcp_oracle PACKETS ANSWERS <(nothing) >LINES
// PACKETS: datagrams, each behind two octets of length. A line for each: "error", or its options as
// "code=hex" in the order of their codes. ANSWERS, written alike: what would be sent, where
// something would.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libs/wire/dhcp.h"
#include "libs/wire/reader.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/core/quirks.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

std::string Line(const wire::DhcpMessage& message) {
  std::vector<const wire::DhcpOption*> options;
  for (const auto& one : message.options)
    options.push_back(&one);
  std::stable_sort(options.begin(), options.end(),
                   [](const auto* a, const auto* b) { return a->code < b->code; });
  std::string line;
  for (const auto* one : options) {
    line += std::to_string(one->code) + "=";
    for (const std::uint8_t octet : one->data) {
      char hex[3];
      std::snprintf(hex, sizeof hex, "%02x", octet);
      line += hex;
    }
    line += ' ';
  }
  return line;
}

// Straight to the kernel, which memcheck asks what of it was never written.
void Write(int fd, const std::uint8_t* bytes, std::size_t size) {
  if (::write(fd, bytes, size) != static_cast<ssize_t>(size)) std::exit(1);
}

void Answer(const wire::DhcpMessage& request, pxe::DhcpPort port, int fd) {
  static const pxe::QuirkTable table;
  const auto read = pxe::ReadBootRequest(request, port);
  const auto* boot = std::get_if<pxe::BootRequest>(&read);
  if (boot == nullptr) return;
  const pxe::Arrival arrival{port, 0xc0a80a02, 0xc0a80a65, 4011};
  const auto choice = pxe::ChooseBoot(*boot, arrival, {}, table.For(*boot), false);
  const auto* chosen = std::get_if<pxe::BootChoice>(&choice);
  if (chosen == nullptr) return;
  const wire::Buffer bytes =
      wire::EmitDhcp(pxe::AnswerDhcp(request, *boot, arrival, *chosen).reply);
  const std::uint8_t length[] = {static_cast<std::uint8_t>(bytes.size() >> 8),
                                 static_cast<std::uint8_t>(bytes.size() & 0xff)};
  Write(fd, length, sizeof length);
  Write(fd, bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> content((std::istreambuf_iterator<char>(file)), {});
  const int answers = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (!file || answers < 0) return 1;
  wire::Reader in(
      wire::Bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
  while (in.remaining() > 0) {
    const auto message = wire::ParseDhcp(in.Take(in.U16()));
    if (!in.ok()) return 1;
    std::puts(message.ok() ? Line(*message).c_str() : "error");
    if (!message.ok()) continue;
    for (const auto port : {pxe::DhcpPort::kDhcp, pxe::DhcpPort::kBootServer})
      Answer(*message, port, answers);
  }
  ::close(answers);
  return 0;
}
