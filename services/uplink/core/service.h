// The five processes of a tentacle, as uplink speaks of them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tentacle::uplink {

enum class Service { kUplink, kPxe, kCache, kDiscovery, kAgent };

constexpr std::array<Service, 5> kServices = {Service::kUplink, Service::kPxe, Service::kCache,
                                              Service::kDiscovery, Service::kAgent};

// The name in socket paths, metrics and event ids.
constexpr std::string_view ServiceName(Service service) {
  constexpr std::array<std::string_view, 5> kNames = {"uplink", "pxe", "cache", "discovery",
                                                      "agent"};
  return kNames[static_cast<std::size_t>(service)];
}

constexpr std::optional<Service> ServiceFromName(std::string_view name) {
  for (const Service service : kServices) {
    if (ServiceName(service) == name) return service;
  }
  return std::nullopt;
}

}  // namespace tentacle::uplink
