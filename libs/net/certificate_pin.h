// Pins: SHA-256 of a certificate's SubjectPublicKeyInfo, base64 (RFC 7469 section 2.4). Pure, any
// thread.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <openssl/types.h>

namespace tentacle::net {

// The pin of that certificate's key; empty when the key cannot be encoded.
std::string PinOf(const X509* certificate);

// Whether a configuration may hold these pins: none, or at least two different ones (RFC 7469
// section 2.5: without a backup the next key locks us out). InvalidArgument says what is wrong.
absl::Status CheckPinSet(const std::vector<std::string>& pins);

}  // namespace tentacle::net
