#include "backend/core/device_csv.h"

#include <string_view>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/text/csv.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

std::string Field(const json::object& device, std::string_view name) {
  const auto* value = device.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  const auto* list = value->if_array();
  if (list == nullptr) return json::serialize(*value);
  std::string joined;
  for (const json::value& one : *list)
    joined += (joined.empty() ? "" : " ") + json::serialize(one);
  return joined;
}

}  // namespace

std::string DevicesCsv(const json::array& devices) {
  static constexpr std::string_view kFields[] = {"ip",     "mac",       "hostname",  "vendor",
                                                 "state",  "isManaged", "vlan",      "openPorts",
                                                 "system", "interface", "firstSeen", "lastSeen"};
  std::string csv = text::CsvLine({std::begin(kFields), std::end(kFields)});
  for (const json::value& device : devices) {
    if (!device.is_object()) continue;
    std::vector<std::string> values;
    for (const std::string_view field : kFields)
      values.push_back(Field(device.as_object(), field));
    csv += text::CsvLine({values.begin(), values.end()});
  }
  return csv;
}

}  // namespace tentacle::backend
