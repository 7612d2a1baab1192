#include "libs/wire/icmp.h"

#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kEcho = 8;
constexpr std::size_t kDataBytes = 16;  // Some hosts drop an echo without data.

// RFC 1071. 0 over a message that carries its own.
std::uint16_t Checksum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

}  // namespace

absl::StatusOr<IcmpEcho> ParseIcmpEcho(Bytes bytes) {
  Reader in(bytes);
  const std::uint8_t type = in.U8();
  const std::uint8_t code = in.U8();
  in.U16();
  IcmpEcho echo{type == kEchoReply, in.U16(), in.U16()};
  if (!in.ok()) return absl::OutOfRangeError("ICMP: truncated");
  if ((type != kEcho && type != kEchoReply) || code != 0)
    return absl::InvalidArgumentError("ICMP: not an echo");
  if (Checksum(bytes) != 0) return absl::InvalidArgumentError("ICMP: wrong checksum");
  return echo;
}

Buffer EmitIcmpEcho(const IcmpEcho& echo) {
  const auto write = [&echo](std::uint16_t checksum) {
    Writer out;
    out.U8(echo.reply ? kEchoReply : kEcho);
    out.U8(0);
    out.U16(checksum);
    out.U16(echo.id);
    out.U16(echo.sequence);
    out.PadTo(out.size() + kDataBytes);
    return out.Finish();
  };
  return write(Checksum(write(0)));
}

}  // namespace tentacle::wire
