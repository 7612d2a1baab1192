// Who may open a shell, and as whom.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/json/object.hpp>

namespace tentacle::agent {

struct ShellOrder {
  std::string session;  // Random, of the backend; hex.
  std::string user = "root";
  std::string reason;     // Why, in the words of whoever opens it.
  std::string opened_by;  // Who, as the backend knows them.
  std::uint32_t columns = 80;
  std::uint32_t rows = 24;
  absl::Time expires_at;  // Of the signed order, not of the shell.
};

// InvalidArgument names the field.
absl::StatusOr<ShellOrder> ParseShellOrder(const boost::json::object& order);

// 1 to 1,000, as the field `name` has it.
absl::StatusOr<std::uint32_t> ParseTerminalSize(const boost::json::object& object,
                                                const char* name);

// What the owner of the host has written into config.yaml; nobody else can.
struct ShellPolicy {
  bool enabled = false;
  std::vector<std::string> users;  // Empty: every user of the host.
};

// PermissionDenied, ResourceExhausted with the sentence why not.
absl::Status MayOpenShell(const ShellPolicy& policy, const ShellOrder& order, std::size_t open);

}  // namespace tentacle::agent
