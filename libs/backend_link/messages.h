// The JSON spoken between backend and tentacle (docs/protocol.md section 3), as values. Pure.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/json/object.hpp>

namespace tentacle::backend_link {

// The problem type (RFC 9457) of a refusal of a tentacle that was removed for good.
constexpr char kRemovedProblem[] = "urn:octofleet:problem:node-removed";

constexpr std::size_t kMaxMessageBytes = 1024 * 1024;
constexpr std::size_t kMaxDepth = 32;  // Boost.JSON's own default; deeper is an attack.

// One frame. `body` holds every field but "type" and "id".
struct Message {
  std::string type;
  std::optional<std::string> id;
  boost::json::object body;
};

// InvalidArgument with what is wrong: not UTF-8, not an object, no type, too deep, too large.
absl::StatusOr<Message> Parse(std::string_view text);
std::string Serialize(const Message& message);
Message Ack(std::string_view id);

// Section 4. InvalidArgument names the field: MAC not a MAC, address not an address, unknown
// osType, hostname not RFC 1123, control characters in any value.
absl::StatusOr<task::v1::BootTask> ParseTask(const boost::json::object& task);

std::string_view StatusName(task::v1::TaskStatus status);    // "waiting", ...
task::v1::TaskStatus StatusFromName(std::string_view name);  // UNSPECIFIED when unknown.

}  // namespace tentacle::backend_link
