#include "services/uplink/core/planning_orders.h"

#include <fmt/format.h>

#include <string>

#include <absl/time/time.h>
#include <boost/json/array.hpp>

#include "libs/schedule/weekly.h"

namespace tentacle::uplink {

namespace {

namespace json = boost::json;

constexpr std::uint64_t kMaxPort = 65'535;
constexpr std::size_t kMaxTextBytes = 256;

std::string Text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->if_string() == nullptr) return {};
  return std::string(value->get_string());
}

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("image.prepull: {}", what));
}

// Absent, or RFC 3339.
absl::Status ReadTime(const json::object& body,
                      std::string_view name,
                      google::protobuf::Timestamp* (cache::v1::Prepull::*field)(),
                      cache::v1::Prepull* prepull) {
  if (!body.contains(name)) return absl::OkStatus();
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, Text(body, name), &time, &error))
    return Wrong(fmt::format("{} is no time", name));
  (prepull->*field)()->set_seconds(absl::ToUnixSeconds(time));
  return absl::OkStatus();
}

bool IsUsable(const cache::v1::Peer& peer) {
  return !peer.node_id().empty() && !peer.public_key().empty() && peer.port() > 0 &&
         peer.addresses_size() > 0;
}

cache::v1::Peer ReadPeer(const json::object& object) {
  cache::v1::Peer peer;
  peer.set_node_id(Text(object, "nodeId").substr(0, kMaxTextBytes));
  peer.set_name(Text(object, "name").substr(0, kMaxTextBytes));
  peer.set_public_key(Text(object, "publicKey").substr(0, kMaxTextBytes));
  const auto* port = object.if_contains("port");
  if (port != nullptr && port->is_int64() && port->get_int64() > 0 &&
      static_cast<std::uint64_t>(port->get_int64()) <= kMaxPort) {
    peer.set_port(static_cast<std::uint32_t>(port->get_int64()));
  }
  const auto* same = object.if_contains("sameSite");
  peer.set_same_site(same != nullptr && same->is_bool() && same->get_bool());
  const auto* addresses = object.if_contains("addresses");
  if (addresses == nullptr || !addresses->is_array()) return peer;
  for (const auto& address : addresses->get_array()) {
    const auto count = static_cast<std::size_t>(peer.addresses_size());
    if (!address.is_string() || count == kMaxPeerAddresses) continue;
    peer.add_addresses(std::string(address.get_string()).substr(0, kMaxTextBytes));
  }
  return peer;
}

}  // namespace

std::string PlainPrepullId(std::string_view image_id) {
  return fmt::format("image/{}", image_id);
}

absl::StatusOr<cache::v1::Prepull> ParsePrepull(const json::object& body) {
  cache::v1::Prepull prepull;
  prepull.set_image_id(Text(body, "imageId"));
  if (prepull.image_id().empty()) return Wrong("imageId is missing");
  const std::string schedule = Text(body, "scheduleId");
  prepull.set_id(schedule.empty() ? PlainPrepullId(prepull.image_id()) : schedule);
  prepull.set_time_zone(Text(body, "timeZone"));
  absl::Status status =
      ReadTime(body, "notBefore", &cache::v1::Prepull::mutable_not_before, &prepull);
  status.Update(ReadTime(body, "deadline", &cache::v1::Prepull::mutable_deadline, &prepull));
  if (!status.ok()) return status;
  const auto* windows = body.if_contains("windows");
  if (windows == nullptr) return prepull;
  if (!windows->is_array() || windows->get_array().size() > schedule::kMaxWindows)
    return Wrong("windows is no list, or too long");
  for (const auto& window : windows->get_array()) {
    if (!window.is_string()) return Wrong("a window is no text");
    const std::string text(window.get_string());
    if (const auto parsed = schedule::ParseWindow(text); !parsed.ok())
      return Wrong(std::string(parsed.status().message()));
    prepull.add_windows(text);
  }
  return prepull;
}

absl::StatusOr<cache::v1::ReplacePeersRequest> ParsePeers(const json::object& body) {
  cache::v1::ReplacePeersRequest table;
  table.set_site(Text(body, "site").substr(0, kMaxTextBytes));
  const auto* peers = body.if_contains("peers");
  if (peers == nullptr || !peers->is_array())
    return absl::InvalidArgumentError("peers.sync: peers is not a list");
  for (const auto& one : peers->get_array()) {
    if (static_cast<std::size_t>(table.peers_size()) == kMaxPeers) break;
    if (!one.is_object()) continue;
    if (const cache::v1::Peer peer = ReadPeer(one.get_object()); IsUsable(peer))
      *table.add_peers() = peer;
  }
  return table;
}

}  // namespace tentacle::uplink
