#include "libs/wire/ethernet.h"

#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

constexpr std::size_t kMinFrameBytes = 60;
constexpr std::uint16_t kCustomerTag = 0x8100;
constexpr std::uint16_t kServiceTag = 0x88a8;
constexpr std::uint16_t kVlanMask = 0x0fff;
constexpr int kMaxTags = 2;

}  // namespace

absl::StatusOr<EthernetFrame> ParseEthernet(Bytes bytes) {
  Reader in(bytes);
  EthernetFrame frame;
  frame.destination.octets = in.Array<6>();
  frame.source.octets = in.Array<6>();
  frame.ethertype = in.U16();
  for (int tag = 0; tag < kMaxTags; ++tag) {
    if (frame.ethertype != kCustomerTag && frame.ethertype != kServiceTag) break;
    frame.vlan = in.U16() & kVlanMask;
    frame.ethertype = in.U16();
  }
  if (!in.ok()) return absl::OutOfRangeError("Ethernet: truncated");
  const Bytes rest = in.Take(in.remaining());
  frame.payload.assign(rest.begin(), rest.end());
  return frame;
}

Buffer EmitEthernet(const EthernetFrame& frame) {
  Writer out;
  out.Append(frame.destination.octets);
  out.Append(frame.source.octets);
  out.U16(frame.ethertype);
  out.Append(frame.payload);
  out.PadTo(kMinFrameBytes);
  return out.Finish();
}

}  // namespace tentacle::wire
