#include "services/discovery/device_message.h"

#include <boost/asio/ip/address_v4.hpp>

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

std::uint32_t AddressFrom(const std::string& text) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address_v4(text, error);
  return error ? 0 : address.to_uint();
}

wire::MacAddress MacFrom(const std::string& text) {
  const auto mac = wire::ParseMac(text);
  return mac.ok() ? *mac : wire::MacAddress{};
}

std::string MacText(const wire::MacAddress& mac) {
  return mac == wire::MacAddress{} ? "" : mac.ToString();
}

void PutPresence(const Presence& presence, v1::Presence* message) {
  message->set_state(std::string(PresenceStateName(presence.state)));
  *message->mutable_since() = ToTimestamp(presence.since);
  *message->mutable_usual_gap() = ToDuration(presence.usual_gap);
  if (presence.penalty == 0) return;
  message->set_penalty(presence.penalty);
  *message->mutable_penalty_at() = ToTimestamp(presence.penalty_at);
}

Presence PresenceFrom(const v1::Presence& message, absl::Time first_seen) {
  Presence presence;
  presence.state = PresenceStateFromName(message.state()).value_or(PresenceState::kOnline);
  presence.since = message.has_since() ? FromTimestamp(message.since()) : first_seen;
  presence.usual_gap = FromDuration(message.usual_gap());
  presence.penalty = message.penalty();
  if (message.has_penalty_at()) presence.penalty_at = FromTimestamp(message.penalty_at());
  return presence;
}

void PutLease(const Lease& lease, v1::Lease* message) {
  message->set_ip(AddressText(lease.address));
  message->set_server(AddressText(lease.server));
  *message->mutable_duration() = ToDuration(lease.duration);
  *message->mutable_since() = ToTimestamp(lease.since);
  message->set_confirmed(lease.confirmed);
}

Lease LeaseFrom(const v1::Lease& message) {
  Lease lease;
  lease.address = AddressFrom(message.ip());
  lease.server = AddressFrom(message.server());
  lease.duration = FromDuration(message.duration());
  lease.since = FromTimestamp(message.since());
  lease.confirmed = message.confirmed();
  return lease;
}

void PutLists(const Device& device, v1::Device* message) {
  for (const AddressUse& use : device.addresses) {
    v1::AddressUse& added = *message->add_addresses();
    added.set_ip(AddressText(use.address));
    *added.mutable_first_seen() = ToTimestamp(use.first_seen);
    *added.mutable_last_seen() = ToTimestamp(use.last_seen);
  }
  for (const NameEvidence& name : device.names) {
    v1::NameEvidence& added = *message->add_names();
    added.set_source(std::string(SourceName(name.source)));
    added.set_name(name.name);
    *added.mutable_seen() = ToTimestamp(name.seen);
  }
  for (const OpenPort& port : device.ports) {
    v1::OpenPort& added = *message->add_ports();
    added.set_port(port.port);
    added.set_service(port.service);
    added.set_banner(port.banner);
  }
  for (const WakeRecord& wake : device.wakes) {
    v1::WakeRecord& added = *message->add_wakes();
    added.set_method(wake.method);
    added.set_tried(wake.tried);
    added.set_woke(wake.woke);
  }
}

void TakeLists(const v1::Device& message, Device* device) {
  for (const auto& use : message.addresses()) {
    device->addresses.push_back(
        {AddressFrom(use.ip()), FromTimestamp(use.first_seen()), FromTimestamp(use.last_seen())});
  }
  for (const auto& name : message.names()) {
    const auto source = SourceFromName(name.source());
    if (source) device->names.push_back({*source, name.name(), FromTimestamp(name.seen())});
  }
  for (const auto& port : message.ports()) {
    device->ports.push_back(
        {static_cast<std::uint16_t>(port.port()), port.service(), port.banner()});
  }
  for (const auto& wake : message.wakes()) {
    device->wakes.push_back({wake.method(), wake.tried(), wake.woke()});
  }
}

}  // namespace

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration message;
  const std::int64_t seconds = absl::ToInt64Seconds(duration);
  message.set_seconds(seconds);
  message.set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
  return message;
}

absl::Duration FromDuration(const google::protobuf::Duration& message) {
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  const std::int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  timestamp.set_nanos(static_cast<std::int32_t>(nanos));
  return timestamp;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string AddressText(std::uint32_t address) {
  return address == 0 ? "" : asio::ip::address_v4(address).to_string();
}

v1::Device ToMessage(const Device& device) {
  v1::Device message;
  message.set_mac(device.mac.ToString());
  message.set_ip(AddressText(device.address));
  message.set_hostname(device.hostname);
  message.set_vendor(device.vendor);
  message.set_interface(device.interface);
  *message.mutable_first_seen() = ToTimestamp(device.first_seen);
  *message.mutable_last_seen() = ToTimestamp(device.last_seen);
  message.set_vlan(device.vlan);
  PutLists(device, &message);
  message.set_fingerprint(device.fingerprint);
  message.set_vendor_class(device.vendor_class);
  message.set_client_id(device.client_id);
  if (device.lease) PutLease(*device.lease, message.mutable_lease());
  PutPresence(device.presence, message.mutable_presence());
  message.set_suspect(device.suspect);
  message.set_folded_into(MacText(device.folded_into));
  return message;
}

std::optional<Device> FromMessage(const v1::Device& message) {
  const auto mac = wire::ParseMac(message.mac());
  const std::uint32_t address = AddressFrom(message.ip());
  if (!mac.ok() || (address == 0 && !message.ip().empty())) return std::nullopt;
  Device device;
  device.mac = *mac;
  device.address = address;
  device.hostname = message.hostname();
  device.vendor = message.vendor();
  device.interface = message.interface();
  device.first_seen = FromTimestamp(message.first_seen());
  device.last_seen = FromTimestamp(message.last_seen());
  device.vlan = static_cast<std::uint16_t>(message.vlan());
  TakeLists(message, &device);
  device.fingerprint = message.fingerprint();
  device.vendor_class = message.vendor_class();
  device.client_id = message.client_id();
  if (message.has_lease()) device.lease = LeaseFrom(message.lease());
  device.presence = PresenceFrom(message.presence(), device.first_seen);
  device.suspect = message.suspect();
  device.folded_into = MacFrom(message.folded_into());
  return device;
}

v1::DhcpServer ToMessage(const DhcpServer& server) {
  v1::DhcpServer message;
  message.set_ip(AddressText(server.address));
  message.set_mac(MacText(server.mac));
  message.set_interface(server.interface);
  message.set_vlan(server.vlan);
  message.set_verdict(std::string(ServerVerdictName(server.verdict)));
  message.set_offers(server.offers);
  message.set_acks(server.acks);
  message.set_boots(server.boots);
  message.set_learned(server.learned);
  *message.mutable_first_seen() = ToTimestamp(server.first_seen);
  *message.mutable_last_seen() = ToTimestamp(server.last_seen);
  if (server.last_alert != absl::InfinitePast()) {
    *message.mutable_last_alert() = ToTimestamp(server.last_alert);
  }
  return message;
}

std::optional<DhcpServer> FromMessage(const v1::DhcpServer& message) {
  const std::uint32_t address = AddressFrom(message.ip());
  const auto verdict = ServerVerdictFromName(message.verdict());
  if (address == 0 || !verdict) return std::nullopt;
  DhcpServer server;
  server.address = address;
  server.mac = MacFrom(message.mac());
  server.interface = message.interface();
  server.vlan = static_cast<std::uint16_t>(message.vlan());
  server.verdict = *verdict;
  server.offers = message.offers();
  server.acks = message.acks();
  server.boots = message.boots();
  server.learned = message.learned();
  server.first_seen = FromTimestamp(message.first_seen());
  server.last_seen = FromTimestamp(message.last_seen());
  if (message.has_last_alert()) server.last_alert = FromTimestamp(message.last_alert());
  return server;
}

}  // namespace tentacle::discovery
