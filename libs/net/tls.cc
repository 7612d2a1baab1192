#include "libs/net/tls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "libs/net/certificate_pin.h"

namespace tentacle::net {

namespace {

std::string Reason(int error, absl::Time now) {
  std::string text = X509_verify_cert_error_string(error);
  // A clock that is off looks like a bad certificate; the reader can tell only if told the time.
  if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) {
    text += fmt::format("; this machine's clock says {}",
                        absl::FormatTime("%Y-%m-%d %H:%M UTC", now, absl::UTCTimeZone()));
  }
  return text;
}

}  // namespace

bool IsIpLiteral(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

TlsVerifier::TlsVerifier(TlsOptions options, std::string host)
    : options_(std::move(options)), host_(std::move(host)) {}

absl::Status TlsVerifier::Install(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths(context);
  if (!options_.ca_file.empty() &&
      SSL_CTX_load_verify_file(context, options_.ca_file.c_str()) != 1) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return absl::InvalidArgumentError(fmt::format("ca_file {}: {}", options_.ca_file,
                                                  reason != nullptr ? reason : "cannot be read"));
  }
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  const absl::Time now = std::max(options_.now(), options_.clock_floor);
  if (now != absl::InfinitePast()) X509_VERIFY_PARAM_set_time(param, absl::ToTimeT(now));
  // The certificate that the file names is trusted, also where it is no root: a lab's self-signed
  // one, or the CA of one site.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  // RFC 9525 section 6.3: names stand in subjectAltName; "w*.example.org" is no wildcard.
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const int named = IsIpLiteral(host_)
                        ? X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str())
                        : X509_VERIFY_PARAM_set1_host(param, host_.data(), host_.size());
  if (named != 1)
    return absl::InvalidArgumentError(fmt::format("\"{}\" is no name of a server", host_));
  // Verified once: a TLS 1.2 server that renegotiates could show another certificate when we are
  // gone.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &TlsVerifier::Verify, this);
  return absl::OkStatus();
}

int TlsVerifier::Verify(X509_STORE_CTX* chain, void* self) {
  return static_cast<TlsVerifier*>(self)->Accept(chain) ? 1 : 0;
}

bool TlsVerifier::Accept(X509_STORE_CTX* chain) {
  if (X509_verify_cert(chain) != 1) {
    verdict_ = absl::UnauthenticatedError(
        fmt::format("the certificate of {} is refused: {}", host_,
                    Reason(X509_STORE_CTX_get_error(chain), options_.now())));
    return false;
  }
  // Chain and pin must both hold, and the pin is that of the server's own key.
  if (options_.pins.empty()) return true;
  const X509* leaf = X509_STORE_CTX_get0_cert(chain);
  const std::string seen = leaf != nullptr ? PinOf(leaf) : "";
  if (!seen.empty() &&
      std::find(options_.pins.begin(), options_.pins.end(), seen) != options_.pins.end())
    return true;
  verdict_ = absl::UnauthenticatedError(fmt::format(
      "the certificate of {} is refused: its key has pin {}, which is none of the accepted", host_,
      seen));
  X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
  return false;
}

std::string TlsErrorText(std::string_view openssl_text) {
  std::string_view meaning;
  if (openssl_text.find("wrong version number") != std::string_view::npos) {
    meaning = ": the server does not speak TLS on this port";
  } else if (openssl_text.find("protocol version") != std::string_view::npos ||
             openssl_text.find("unsupported protocol") != std::string_view::npos) {
    meaning = ": the server speaks no TLS 1.2 or newer";
  }
  return fmt::format("{}{}", openssl_text, meaning);
}

}  // namespace tentacle::net
