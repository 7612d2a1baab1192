// How this product verifies a TLS server (RFC 5280, RFC 9525), in one place for the WebSocket and
// for libcurl: TLS 1.2 or newer, the system's CAs and a private one, the name, and pins beside
// them. There is no way to turn it off.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <openssl/types.h>

namespace tentacle::net {

struct TlsOptions {
  std::string ca_file;            // PEM, beside the system's CAs. Empty: those alone.
  std::vector<std::string> pins;  // Of the server's own key (certificate_pin.h); empty: no pinning.
  // Certificates are judged at this time if the clock is behind it (clock_floor.h).
  absl::Time clock_floor = absl::InfinitePast();
  absl::Time (*now)() = &absl::Now;  // Another clock for tests.
};

// Verifies the server of one connection. One thread; must outlive the handshake, after which
// nothing asks it again (renegotiation is off).
class TlsVerifier {
 public:
  // `host`: a name, or an address without brackets, which then must stand in the certificate as an
  // address.
  TlsVerifier(TlsOptions options, std::string host);
  TlsVerifier(const TlsVerifier&) = delete;
  TlsVerifier& operator=(const TlsVerifier&) = delete;

  // Before an SSL object is made of the context. InvalidArgument: the CA file cannot be read.
  absl::Status Install(SSL_CTX* context);

  // Unauthenticated and the reason once a certificate was refused; with a pin that was not
  // accepted, that pin. The refusal happens inside the handshake, so nothing of ours has been sent.
  const absl::Status& verdict() const { return verdict_; }

 private:
  static int Verify(X509_STORE_CTX* chain, void* self);
  bool Accept(X509_STORE_CTX* chain);

  TlsOptions options_;
  std::string host_;
  absl::Status verdict_;
};

bool IsIpLiteral(const std::string& host);

// OpenSSL's name of a handshake's error, with what it means where the name alone would puzzle.
std::string TlsErrorText(std::string_view openssl_text);

}  // namespace tentacle::net
