#include "libs/backend_link/order.h"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/backend_link/messages.h"

namespace tentacle::backend_link {

namespace {

namespace json = boost::json;

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

}  // namespace

absl::StatusOr<Order> ParseOrder(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  auto value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return absl::InvalidArgumentError("order: not a JSON object");
  Order order;
  order.body = std::move(value.get_object());
  order.type = Text(order.body, "type");
  order.node_id = Text(order.body, "nodeId");
  if (order.type.empty()) return absl::InvalidArgumentError("order: type is missing");
  if (order.node_id.empty()) return absl::InvalidArgumentError("order: nodeId is missing");
  const std::string expires = Text(order.body, "expiresAt");
  std::string why;
  if (!expires.empty() && !absl::ParseTime(absl::RFC3339_full, expires, &order.expires_at, &why)) {
    return absl::InvalidArgumentError("order: expiresAt is no time");
  }
  return order;
}

std::string OrderText(std::string_view type,
                      std::string_view node_id,
                      absl::Time expires_at,
                      json::object body) {
  body["type"] = json::string_view(type.data(), type.size());
  body["nodeId"] = json::string_view(node_id.data(), node_id.size());
  if (expires_at != absl::InfiniteFuture()) {
    body["expiresAt"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", expires_at, absl::UTCTimeZone());
  }
  return json::serialize(body);
}

}  // namespace tentacle::backend_link
