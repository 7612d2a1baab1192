#include "services/agent/core/details_json.h"

#include <utility>

#include <boost/json/array.hpp>

namespace tentacle::agent {

namespace json = boost::json;

json::object MemoryModuleJson(const MemoryModule& module) {
  return {{"slot", module.slot},
          {"sizeBytes", module.size_bytes},
          {"type", module.type},
          {"speedMts", module.megatransfers},
          {"manufacturer", module.manufacturer},
          {"partNumber", module.part_number},
          {"serial", module.serial}};
}

json::object PciJson(const PciDevice& device) {
  return {{"address", device.address},
          {"vendorId", device.vendor_id},
          {"deviceId", device.device_id},
          {"classId", device.class_id},
          {"driver", device.driver}};
}

json::object UsbJson(const UsbDevice& device) {
  return {
      {"port", device.port},     {"vendorId", device.vendor_id}, {"productId", device.product_id},
      {"vendor", device.vendor}, {"product", device.product},    {"serial", device.serial}};
}

json::object UserJson(const User& user) {
  return {{"name", user.name},          {"uid", user.uid},
          {"home", user.home},          {"shell", user.shell},
          {"canLogin", user.can_login}, {"administrator", user.administrator}};
}

json::object ContainerJson(const Container& container) {
  return {{"id", container.id},
          {"name", container.name},
          {"image", container.image},
          {"running", container.running}};
}

json::object UpdateJson(const PendingUpdate& update) {
  return {{"name", update.name},
          {"installed", update.installed},
          {"candidate", update.candidate},
          {"security", update.security}};
}

json::object SmartJson(const SmartHealth& health) {
  json::array reasons;
  for (const auto& reason : health.reasons)
    reasons.emplace_back(reason);
  return {{"device", health.device},
          {"type", health.type},
          {"model", health.model},
          {"serial", health.serial},
          {"health", health.health},
          {"celsius", health.celsius},
          {"powerOnHours", health.power_on_hours},
          {"wearPercent", health.wear_percent},
          {"reallocatedSectors", health.reallocated_sectors},
          {"pendingSectors", health.pending_sectors},
          {"atRisk", health.at_risk},
          {"reasons", std::move(reasons)}};
}

json::object TimeSyncJson(const TimeSync& time_sync) {
  return {{"synchronized", time_sync.synchronized}, {"source", time_sync.source}};
}

}  // namespace tentacle::agent
