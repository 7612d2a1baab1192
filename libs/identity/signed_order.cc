#include "libs/identity/signed_order.h"

namespace tentacle::identity {

namespace {

std::string SignedBytes(std::string_view order) {
  std::string bytes = "octofleet order v1\n";
  bytes += order;
  return bytes;
}

}  // namespace

std::string SignOrder(const IdentityKey& command_key, std::string_view order) {
  return Base64Encode(command_key.Sign(SignedBytes(order)));
}

absl::Status VerifyOrder(std::string_view command_key_base64,
                         std::string_view order,
                         std::string_view signature_base64) {
  if (command_key_base64.empty()) {
    return absl::PermissionDeniedError(
        "no command key is pinned here (agent.command_key): enroll again, or write the backend's "
        "into config.yaml");
  }
  if (order.empty() || signature_base64.empty()) {
    return absl::PermissionDeniedError("the order is not signed");
  }
  const auto signature = Base64Decode(signature_base64);
  if (!signature.ok() || !VerifySignature(command_key_base64, SignedBytes(order), *signature)) {
    return absl::PermissionDeniedError(
        "the order is not signed by the command key that was pinned at enrollment");
  }
  return absl::OkStatus();
}

}  // namespace tentacle::identity
