#include "libs/runtime/admin_http.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <prometheus/text_serializer.h>

namespace tentacle::runtime {

std::string MetricsText(prometheus::Registry& registry) {
  return prometheus::TextSerializer().Serialize(registry.Collect());
}

std::string HealthJson(const Health& health) {
  boost::json::object conditions;
  for (const auto& [name, condition] : health.conditions()) {
    conditions[name] = {{"ok", condition.ok}, {"detail", condition.detail}};
  }
  return boost::json::serialize(
      boost::json::object{{"ready", health.ready()}, {"conditions", conditions}});
}

net::HttpHandler MakeAdminHandler(prometheus::Registry& registry,
                                  const Health& health,
                                  std::function<void()> refresh) {
  return [&registry, &health, refresh = std::move(refresh)](
             const net::HttpRequest& request) -> boost::asio::awaitable<net::HttpReply> {
    if (request.method != "GET" && request.method != "HEAD")
      co_return net::ProblemReply(405, "GET or HEAD only");
    if (request.path == "/metrics") {
      refresh();
      co_return net::TextReply(200, MetricsText(registry),
                               "text/plain; version=0.0.4; charset=utf-8");
    }
    // Live is who answers at all; ready is whose conditions all hold.
    if (request.path == "/healthz") co_return net::JsonReply(200, HealthJson(health));
    if (request.path == "/readyz")
      co_return net::JsonReply(health.ready() ? 200 : 503, HealthJson(health));
    co_return net::ProblemReply(404, "there are /metrics, /healthz and /readyz");
  };
}

}  // namespace tentacle::runtime
