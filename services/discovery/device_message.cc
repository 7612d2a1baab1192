#include "services/discovery/device_message.h"

#include <boost/asio/ip/address_v4.hpp>

namespace tentacle::discovery {

namespace asio = boost::asio;

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
  return asio::ip::address_v4(address).to_string();
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
  return message;
}

std::optional<Device> FromMessage(const v1::Device& message) {
  const auto mac = wire::ParseMac(message.mac());
  boost::system::error_code error;
  const auto address = asio::ip::make_address_v4(message.ip(), error);
  if (!mac.ok() || error) return std::nullopt;
  Device device;
  device.mac = *mac;
  device.address = address.to_uint();
  device.hostname = message.hostname();
  device.vendor = message.vendor();
  device.interface = message.interface();
  device.first_seen = FromTimestamp(message.first_seen());
  device.last_seen = FromTimestamp(message.last_seen());
  return device;
}

}  // namespace tentacle::discovery
