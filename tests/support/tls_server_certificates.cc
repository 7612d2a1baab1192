#include "tests/support/tls_server_certificates.h"

#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "libs/net/certificate_pin.h"

namespace tentacle::testing {

namespace {

constexpr long kDay = 24 * 3600;

void Check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Check(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// `issuer` null: signed by its own key.
ServerIdentity Make(const CertificateSpec& spec,
                    KeyPtr key,
                    const ServerIdentity* issuer,
                    bool authority) {
  const CertificatePtr certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.valid_from_days * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.valid_to_days * kDay);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(spec.common_name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  AddExtension(certificate.get(), signer, NID_basic_constraints,
               authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!spec.alternative_names.empty()) {
    AddExtension(certificate.get(), signer, NID_subject_alt_name, spec.alternative_names);
  }
  EVP_PKEY* signing_key = issuer != nullptr ? issuer->key.get() : key.get();
  Check(X509_sign(certificate.get(), signing_key, EVP_sha256()) > 0, "X509_sign");
  return {std::move(key), certificate};
}

}  // namespace

KeyPtr MakeKey() {
  KeyPtr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  Check(key != nullptr, "EVP_EC_gen");
  return key;
}

std::string ServerIdentity::Pin() const {
  return net::PinOf(certificate.get());
}

std::string ServerIdentity::CertificatePem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), certificate.get());
  std::string pem(BIO_pending(memory.get()), '\0');
  BIO_read(memory.get(), pem.data(), static_cast<int>(pem.size()));
  return pem;
}

ServerIdentity SelfSigned(const CertificateSpec& spec) {
  return Make(spec, MakeKey(), nullptr, false);
}

Authority::Authority()
    : identity_(Make(
          {.common_name = "test authority", .alternative_names = ""}, MakeKey(), nullptr, true)) {}

ServerIdentity Authority::Issue(const CertificateSpec& spec, KeyPtr key) const {
  return Make(spec, std::move(key), &identity_, false);
}

}  // namespace tentacle::testing
