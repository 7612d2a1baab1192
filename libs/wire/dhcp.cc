#include "libs/wire/dhcp.h"

#include <algorithm>

#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

constexpr std::uint32_t kMagicCookie = 0x63825363;
constexpr std::size_t kServerNameBytes = 64;
constexpr std::size_t kBootFileBytes = 128;
constexpr std::size_t kMinMessageBytes = 300;
constexpr std::size_t kMaxOptionPart = 255;
// All options of a datagram fit into it; more than this comes from joining parts that repeat.
constexpr std::size_t kMaxOptionBytes = 4096;
constexpr std::size_t kMaxOptions = 256;

std::string UntilNul(Bytes bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::uint8_t{0});
  return {bytes.begin(), end};
}

// Appends the options in `bytes` to `message`, joining parts.
absl::Status ParseOptions(Bytes bytes, DhcpMessage* message) {
  Reader in(bytes);
  while (in.remaining() > 0) {
    const std::uint8_t code = in.U8();
    if (code == dhcp_option::kPad) continue;
    if (code == dhcp_option::kEnd) return absl::OkStatus();
    const std::uint8_t length = in.U8();
    const Bytes data = in.Take(length);
    if (!in.ok()) return absl::InvalidArgumentError("DHCP: an option runs over its end");
    const auto same = [code](const DhcpOption& one) { return one.code == code; };
    auto at = std::find_if(message->options.begin(), message->options.end(), same);
    if (at == message->options.end()) {
      if (message->options.size() >= kMaxOptions)
        return absl::InvalidArgumentError("DHCP: too many options");
      at = message->options.insert(at, DhcpOption{code, {}});
    }
    if (at->data.size() + data.size() > kMaxOptionBytes) {
      return absl::InvalidArgumentError("DHCP: an option is too long");
    }
    at->data.insert(at->data.end(), data.begin(), data.end());
  }
  return absl::OkStatus();
}

void EmitOption(const DhcpOption& option, Writer* out) {
  Bytes rest(option.data);
  do {
    const Bytes part = rest.first(std::min(rest.size(), kMaxOptionPart));
    out->U8(option.code);
    out->U8(static_cast<std::uint8_t>(part.size()));
    out->Append(part);
    rest = rest.subspan(part.size());
  } while (!rest.empty());
}

// Zero-filled to `size`, always with a NUL at the end.
void EmitName(std::string_view name, std::size_t size, Writer* out) {
  const std::size_t end = out->size() + size;
  out->Text(name.substr(0, size - 1));
  out->PadTo(end);
}

}  // namespace

std::optional<Bytes> DhcpMessage::Option(std::uint8_t code) const {
  for (const DhcpOption& option : options) {
    if (option.code == code) return Bytes(option.data);
  }
  return std::nullopt;
}

DhcpType DhcpMessage::type() const {
  const auto data = Option(dhcp_option::kMessageType);
  return data && data->size() == 1 ? static_cast<DhcpType>((*data)[0]) : DhcpType::kNone;
}

std::optional<MacAddress> DhcpMessage::mac() const {
  if (hardware_type != 1 || hardware_length != 6) return std::nullopt;
  MacAddress mac;
  std::copy_n(hardware_address.begin(), 6, mac.octets.begin());
  return mac;
}

void DhcpMessage::Add(std::uint8_t code, Bytes data) {
  options.push_back({code, Buffer(data.begin(), data.end())});
}

void DhcpMessage::AddText(std::uint8_t code, std::string_view text) {
  options.push_back({code, Buffer(text.begin(), text.end())});
}

void DhcpMessage::AddU32(std::uint8_t code, std::uint32_t value) {
  Writer out;
  out.U32(value);
  options.push_back({code, out.Finish()});
}

absl::StatusOr<DhcpMessage> ParseDhcp(Bytes bytes) {
  Reader in(bytes);
  DhcpMessage message;
  message.operation = static_cast<DhcpOperation>(in.U8());
  message.hardware_type = in.U8();
  message.hardware_length = in.U8();
  message.hops = in.U8();
  message.transaction_id = in.U32();
  message.seconds = in.U16();
  message.flags = in.U16();
  message.client_address = in.U32();
  message.your_address = in.U32();
  message.server_address = in.U32();
  message.gateway_address = in.U32();
  message.hardware_address = in.Array<16>();
  const Bytes server_name = in.Take(kServerNameBytes);
  const Bytes boot_file = in.Take(kBootFileBytes);
  const std::uint32_t cookie = in.U32();
  if (!in.ok()) return absl::OutOfRangeError("DHCP: truncated");
  if (cookie != kMagicCookie) return absl::InvalidArgumentError("DHCP: no magic cookie");
  if (absl::Status status = ParseOptions(in.Take(in.remaining()), &message); !status.ok())
    return status;

  // RFC 2132 section 9.3: 1 = file, 2 = sname, 3 = both hold options. An overload inside them is
  // not followed.
  const auto overload = message.Option(dhcp_option::kOverload);
  const unsigned fields = overload && overload->size() == 1 ? (*overload)[0] : 0u;
  absl::Status status;
  if ((fields & 1u) != 0) status = ParseOptions(boot_file, &message);
  if (status.ok() && (fields & 2u) != 0) status = ParseOptions(server_name, &message);
  if (!status.ok()) return status;
  if ((fields & 1u) == 0) message.boot_file = UntilNul(boot_file);
  if ((fields & 2u) == 0) message.server_name = UntilNul(server_name);
  return message;
}

Buffer EmitDhcp(const DhcpMessage& message) {
  Writer out;
  out.U8(static_cast<std::uint8_t>(message.operation));
  out.U8(message.hardware_type);
  out.U8(message.hardware_length);
  out.U8(message.hops);
  out.U32(message.transaction_id);
  out.U16(message.seconds);
  out.U16(message.flags);
  out.U32(message.client_address);
  out.U32(message.your_address);
  out.U32(message.server_address);
  out.U32(message.gateway_address);
  out.Append(message.hardware_address);
  EmitName(message.server_name, kServerNameBytes, &out);
  EmitName(message.boot_file, kBootFileBytes, &out);
  out.U32(kMagicCookie);
  for (const DhcpOption& option : message.options) {
    if (option.code != dhcp_option::kOverload) EmitOption(option, &out);
  }
  out.U8(dhcp_option::kEnd);
  out.PadTo(kMinMessageBytes);
  return out.Finish();
}

}  // namespace tentacle::wire
