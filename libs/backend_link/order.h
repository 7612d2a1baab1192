// The text of a signed order (docs/protocol.md section 3.1): whom it is for, what it orders. Pure;
// the signature is libs/identity's.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/json/object.hpp>

namespace tentacle::backend_link {

struct Order {
  std::string type;     // "job.run": the type of the message that carries it.
  std::string node_id;  // Only this node may take it.
  absl::Time expires_at = absl::InfiniteFuture();
  boost::json::object body;  // All of it.
  // What came beside the text and is not signed: the text has its SHA-256.
  std::string credentials;
};

// InvalidArgument: no JSON object, no type, no node.
absl::StatusOr<Order> ParseOrder(std::string_view text);

// {"type", "nodeId", "expiresAt"?} and the fields of `body`, as text.
std::string OrderText(std::string_view type,
                      std::string_view node_id,
                      absl::Time expires_at,
                      boost::json::object body);

}  // namespace tentacle::backend_link
