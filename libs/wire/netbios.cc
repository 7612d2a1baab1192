#include "libs/wire/netbios.h"

#include "libs/wire/dns.h"

namespace tentacle::wire {

namespace {

constexpr std::size_t kNameBytes = 16;
constexpr std::uint16_t kGroupBit = 0x8000;
constexpr std::size_t kAddressEntryBytes = 6;
constexpr std::size_t kMaxAddresses = 16;  // A host with more interfaces than this tells the first.

// Two letters from 'A' to 'P' an octet (RFC 1001 section 14.1); labels behind the first are the
// scope.
absl::StatusOr<NetbiosName> Decode(const DnsName& labels) {
  if (labels.empty() || labels[0].size() != 2 * kNameBytes) {
    return absl::InvalidArgumentError("NetBIOS: not a name");
  }
  std::string octets;
  for (std::size_t i = 0; i < kNameBytes; ++i) {
    const int high = labels[0][2 * i] - 'A';
    const int low = labels[0][2 * i + 1] - 'A';
    if (high < 0 || high > 15 || low < 0 || low > 15) {
      return absl::InvalidArgumentError("NetBIOS: not a name");
    }
    octets.push_back(static_cast<char>(high << 4 | low));
  }
  NetbiosName name;
  name.suffix = static_cast<std::uint8_t>(octets.back());
  octets.pop_back();
  while (!octets.empty() && (octets.back() == ' ' || octets.back() == '\0'))
    octets.pop_back();
  name.name = std::move(octets);
  return name;
}

void ReadAddresses(const DnsRecord& record, NetbiosName* name) {
  Reader in(record.data);
  while (in.remaining() >= kAddressEntryBytes && name->addresses.size() < kMaxAddresses) {
    name->group = (in.U16() & kGroupBit) != 0;
    name->addresses.push_back(in.U32());
  }
}

}  // namespace

absl::StatusOr<NetbiosMessage> ParseNetbios(Bytes bytes) {
  const auto dns = ParseDns(bytes);
  if (!dns.ok()) return dns.status();
  NetbiosMessage message;
  message.operation = static_cast<NetbiosOperation>(dns->flags >> 11 & 0x0f);
  message.response = dns->is_response();
  for (const DnsRecord& record : dns->records) {
    if (record.type != dns_type::kNetbios) continue;
    auto name = Decode(record.name);
    if (!name.ok()) return name.status();
    ReadAddresses(record, &*name);
    message.name = *std::move(name);
    return message;
  }
  if (dns->questions.empty()) return absl::InvalidArgumentError("NetBIOS: no name");
  auto name = Decode(dns->questions[0].name);
  if (!name.ok()) return name.status();
  message.name = *std::move(name);
  return message;
}

}  // namespace tentacle::wire
