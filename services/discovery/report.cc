#include "services/discovery/report.h"

#include <algorithm>
#include <span>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace json = boost::json;

json::object DeviceBody(const Device& device) {
  return {{"mac", device.mac.ToString()},          {"ip", AddressText(device.address)},
          {"hostname", device.hostname},           {"vendor", device.vendor},
          {"interface", device.interface},         {"firstSeen", TimeText(device.first_seen)},
          {"lastSeen", TimeText(device.last_seen)}};
}

std::string ScanResultBody(const ScanResult& result,
                           std::string_view scan_id,
                           std::span<const Device> devices) {
  json::array list;
  list.reserve(devices.size());
  for (const Device& device : devices)
    list.push_back(DeviceBody(device));
  return json::serialize(json::object{{"scanId", scan_id},
                                      {"startedAt", TimeText(result.started_at)},
                                      {"finishedAt", TimeText(result.finished_at)},
                                      {"targets", result.targets},
                                      {"devices", std::move(list)}});
}

}  // namespace

std::vector<std::string> ScanResultBodies(const ScanResult& result, std::string_view scan_id) {
  std::vector<std::string> bodies;
  std::span<const Device> left(result.devices);
  do {
    const auto part = left.first(std::min(left.size(), limits::kMaxDevicesPerEvent));
    bodies.push_back(ScanResultBody(result, scan_id, part));
    left = left.subspan(part.size());
  } while (!left.empty());
  return bodies;
}

std::string WakeSentBody(std::string_view command_id,
                         const wire::MacAddress& mac,
                         std::uint32_t packets) {
  json::object body;
  if (!command_id.empty()) body["commandId"] = command_id;
  body["mac"] = mac.ToString();
  body["packets"] = packets;
  return json::serialize(body);
}

}  // namespace tentacle::discovery
