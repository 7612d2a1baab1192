#include "libs/wire/ipv4.h"

#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

constexpr std::size_t kMinHeaderBytes = 20;
constexpr std::uint16_t kUdpHeaderBytes = 8;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFragmentOffset = 0x1fff;
constexpr std::uint8_t kTimeToLive = 64;

// RFC 1071; `sum` is what was added up before.
std::uint32_t Add(std::uint32_t sum, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t octet = bytes[i];
    sum += i % 2 == 0 ? octet << 8 : octet;
  }
  return sum;
}

std::uint16_t Fold(std::uint32_t sum) {
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

Buffer EmitUdp(std::uint32_t source, std::uint32_t destination, const UdpDatagram& datagram) {
  const auto length = static_cast<std::uint16_t>(kUdpHeaderBytes + datagram.payload.size());
  Writer pseudo;
  pseudo.U32(source);
  pseudo.U32(destination);
  pseudo.U16(kProtocolUdp);
  pseudo.U16(length);
  const auto write = [&datagram, length](std::uint16_t checksum) {
    Writer out;
    out.U16(datagram.source_port);
    out.U16(datagram.destination_port);
    out.U16(length);
    out.U16(checksum);
    out.Append(datagram.payload);
    return out.Finish();
  };
  const std::uint16_t checksum = Fold(Add(Add(0, pseudo.Finish()), write(0)));
  return write(checksum == 0 ? 0xffff : checksum);  // 0 means that there is none.
}

}  // namespace

absl::StatusOr<Ipv4Packet> ParseIpv4(Bytes bytes) {
  Reader in(bytes);
  const std::uint8_t version_and_length = in.U8();
  in.U8();
  const std::uint16_t total = in.U16();
  in.U16();
  const std::uint16_t fragment = in.U16();
  in.U8();
  Ipv4Packet packet;
  packet.protocol = in.U8();
  in.U16();
  packet.source = in.U32();
  packet.destination = in.U32();
  if (!in.ok()) return absl::OutOfRangeError("IPv4: truncated");
  const std::size_t header = std::size_t{4} * (version_and_length & 0x0f);
  if (version_and_length >> 4 != 4 || header < kMinHeaderBytes || total < header) {
    return absl::InvalidArgumentError("IPv4: not a header");
  }
  if ((fragment & (kMoreFragments | kFragmentOffset)) != 0) {
    return absl::InvalidArgumentError("IPv4: a fragment");
  }
  if (total > bytes.size()) return absl::OutOfRangeError("IPv4: truncated");
  packet.payload = bytes.subspan(header, total - header);
  return packet;
}

absl::StatusOr<UdpDatagram> ParseUdp(Bytes bytes) {
  Reader in(bytes);
  UdpDatagram datagram;
  datagram.source_port = in.U16();
  datagram.destination_port = in.U16();
  const std::uint16_t length = in.U16();
  in.U16();
  if (!in.ok()) return absl::OutOfRangeError("UDP: truncated");
  if (length < kUdpHeaderBytes) return absl::InvalidArgumentError("UDP: not a length");
  datagram.payload = in.Take(length - kUdpHeaderBytes);
  if (!in.ok()) return absl::OutOfRangeError("UDP: truncated");
  return datagram;
}

Buffer EmitUdpIpv4(std::uint32_t source, std::uint32_t destination, const UdpDatagram& datagram) {
  const Buffer udp = EmitUdp(source, destination, datagram);
  const auto write = [&](std::uint16_t checksum) {
    Writer out;
    out.U16(0x4500);
    out.U16(static_cast<std::uint16_t>(kMinHeaderBytes + udp.size()));
    out.U32(0);
    out.U8(kTimeToLive);
    out.U8(kProtocolUdp);
    out.U16(checksum);
    out.U32(source);
    out.U32(destination);
    return out.Finish();
  };
  Buffer packet = write(Fold(Add(0, write(0))));
  packet.insert(packet.end(), udp.begin(), udp.end());
  return packet;
}

}  // namespace tentacle::wire
