// Orders of a backend to one node, signed with its command key: what runs as root on a host is not
// taken from whoever happens to hold the line.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "libs/identity/identity.h"

namespace tentacle::identity {

// Base64 of the Ed25519 signature over "octofleet order v1\n" and the order's text, octet by octet
// as it travels: nothing has to be brought into a canonical form. The prefix keeps a signature of
// the same key over something else from being one of an order.
std::string SignOrder(const IdentityKey& command_key, std::string_view order);

// PermissionDenied with a sentence: no key is pinned here, no signature, not that of this order.
absl::Status VerifyOrder(std::string_view command_key_base64,
                         std::string_view order,
                         std::string_view signature_base64);

}  // namespace tentacle::identity
