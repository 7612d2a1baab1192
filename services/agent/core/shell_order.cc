#include "services/agent/core/shell_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include <boost/json/value.hpp>

#include "libs/backend_link/job.h"
#include "libs/text/view.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

constexpr std::uint32_t kMaxTerminalSize = 1000;
constexpr std::size_t kMaxTextBytes = 500;
constexpr std::size_t kMinSessionBytes = 32;

std::string Text(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

}  // namespace

absl::StatusOr<std::uint32_t> ParseTerminalSize(const boost::json::object& object,
                                                const char* name) {
  const auto* value = object.if_contains(name);
  boost::json::error_code error;
  const auto size =
      value != nullptr && value->is_number() ? value->to_number<std::uint32_t>(error) : 0;
  if (error || size < 1 || size > kMaxTerminalSize) {
    const std::string sentence = fmt::format("{}: want 1 to {}", name, kMaxTerminalSize);
    return absl::InvalidArgumentError(text::AbslView(sentence));
  }
  return size;
}

absl::StatusOr<ShellOrder> ParseShellOrder(const boost::json::object& object) {
  ShellOrder order;
  order.session = Text(object, "session");
  if (!backend_link::IsJobId(order.session) || order.session.size() < kMinSessionBytes) {
    return absl::InvalidArgumentError("session: want at least 32 letters and digits");
  }
  if (object.contains("user")) order.user = Text(object, "user");
  if (!backend_link::IsUserName(order.user)) {
    return absl::InvalidArgumentError("user: no name of a user");
  }
  order.reason = Text(object, "reason").substr(0, kMaxTextBytes);
  if (order.reason.empty()) return absl::InvalidArgumentError("reason: is missing");
  order.opened_by = Text(object, "openedBy").substr(0, kMaxTextBytes);
  const auto columns = ParseTerminalSize(object, "cols");
  if (!columns.ok()) return columns.status();
  const auto rows = ParseTerminalSize(object, "rows");
  if (!rows.ok()) return rows.status();
  order.columns = *columns;
  order.rows = *rows;
  return order;
}

absl::Status MayOpenShell(const ShellPolicy& policy, const ShellOrder& order, std::size_t open) {
  if (!policy.enabled) {
    return absl::PermissionDeniedError(
        "shells are not allowed by this tentacle's configuration (agent.shell_enabled)");
  }
  if (!policy.users.empty() &&
      std::find(policy.users.begin(), policy.users.end(), order.user) == policy.users.end()) {
    const std::string sentence = fmt::format(
        "shells as {} are not allowed by this tentacle's configuration (agent.shell_users)",
        order.user);
    return absl::PermissionDeniedError(text::AbslView(sentence));
  }
  if (open >= limits::kMaxShells) {
    const std::string sentence = fmt::format("{} shells are open already", limits::kMaxShells);
    return absl::ResourceExhaustedError(text::AbslView(sentence));
  }
  return absl::OkStatus();
}

}  // namespace tentacle::agent
