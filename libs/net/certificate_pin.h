// Pins: SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4), base64.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <openssl/types.h>

namespace tentacle::net {

// OK when `pins` is empty or holds the pin of the peer's certificate; otherwise Unauthenticated with the
// pin that was seen. Call after the handshake and before anything is sent.
absl::Status CheckPin(const SSL* connection, const std::vector<std::string>& pins);

}  // namespace tentacle::net
