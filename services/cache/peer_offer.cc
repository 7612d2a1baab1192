#include "services/cache/peer_offer.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/events/event_log.h"
#include "libs/net/interfaces.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace json = boost::json;

json::array OwnAddresses() {
  json::array addresses;
  const auto interfaces = net::ListInterfaceAddresses();
  if (!interfaces.ok()) return addresses;
  for (const net::InterfaceAddress& one : *interfaces) {
    if (one.loopback || addresses.size() == limits::kOfferedAddresses) continue;
    const std::uint32_t a = one.address;
    addresses.emplace_back(
        fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff));
  }
  return addresses;
}

}  // namespace

void PeerOffer::Tell() {
  const auto& config = host_.config.current();
  const bool offers = config.cache().peers_enabled() && config.cache().enabled() &&
                      config.uplink().mode() == "full";
  const json::object body{{"port", offers ? config.cache().http_port() : 0},
                          {"addresses", offers ? OwnAddresses() : json::array()}};
  std::string text = json::serialize(body);
  if (text == told_) return;
  told_ = text;
  host_.events.Publish(events::MakeEvent("peer.offer", "peer", event::v1::PRIORITY_RESULT,
                                         std::move(text), host_.clock.Now()));
}

}  // namespace tentacle::cache
