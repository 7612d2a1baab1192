// Certificates for tests, made on the spot: an authority, what it signs, and what nobody signed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

namespace tentacle::testing {

using KeyPtr = std::shared_ptr<EVP_PKEY>;
using CertificatePtr = std::shared_ptr<X509>;

// An EC key on P-256.
KeyPtr MakeKey();

struct CertificateSpec {
  std::string common_name = "test";
  std::string alternative_names =
      "";                    // "DNS:localhost,IP:127.0.0.1"; empty: the extension is missing.
  int valid_from_days = -1;  // From now.
  int valid_to_days = 30;
};

// A certificate with its key: what a server shows.
struct ServerIdentity {
  KeyPtr key;
  CertificatePtr certificate;

  std::string Pin() const;
  std::string CertificatePem() const;
};

ServerIdentity SelfSigned(const CertificateSpec& spec);

class Authority {
 public:
  Authority();

  ServerIdentity Issue(const CertificateSpec& spec, KeyPtr key = MakeKey()) const;

  std::string Pem() const { return identity_.CertificatePem(); }

 private:
  ServerIdentity identity_;
};

}  // namespace tentacle::testing
