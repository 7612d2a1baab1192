// /metrics, /healthz and /readyz of a process.
#pragma once

#include <functional>

#include <prometheus/registry.h>

#include "libs/net/http_types.h"
#include "libs/runtime/health.h"

namespace tentacle::runtime {

// `refresh` runs before each scrape. Everything must outlive the handler.
net::HttpHandler MakeAdminHandler(prometheus::Registry& registry,
                                  const Health& health,
                                  std::function<void()> refresh);

// Prometheus' text format.
std::string MetricsText(prometheus::Registry& registry);
// {"ready":true,"conditions":{"dhcp_socket":{"ok":true,"detail":""}}}
std::string HealthJson(const Health& health);

}  // namespace tentacle::runtime
