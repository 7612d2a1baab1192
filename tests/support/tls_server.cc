#include "tests/support/tls_server.h"

#include <array>

#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <openssl/ssl.h>

namespace tentacle::testing {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Stream = asio::ssl::stream<asio::ip::tcp::socket>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> Echo(Stream& stream, std::string head) {
  http::request_parser<http::empty_body> parser;
  beast::error_code error;
  parser.put(asio::buffer(head), error);
  if (error) co_return;
  beast::websocket::stream<Stream&> socket(stream);
  const auto [refused] = co_await socket.async_accept(parser.get(), kTuple);
  if (refused) co_return;
  socket.text(true);
  for (;;) {
    beast::flat_buffer buffer;
    const auto [ended, size] = co_await socket.async_read(buffer, kTuple);
    if (ended) co_return;
    const auto [broken, written] = co_await socket.async_write(buffer.data(), kTuple);
    if (broken) co_return;
  }
}

}  // namespace

TlsServer::TlsServer(const ServerIdentity& identity, TlsBehaviour behaviour)
    : behaviour_(behaviour),
      server_([this](asio::ip::tcp::socket socket) { return Serve(std::move(socket)); }) {
  SSL_CTX* context = context_.native_handle();
  SSL_CTX_use_certificate(context, identity.certificate.get());
  SSL_CTX_use_PrivateKey(context, identity.key.get());
  if (behaviour_ == TlsBehaviour::kOnlyTls11) {
    // Debian's default level forbids it even to us.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  }
}

std::string TlsServer::server_name() const {
  const std::lock_guard lock(mutex_);
  return server_name_;
}

asio::awaitable<void> TlsServer::Serve(asio::ip::tcp::socket socket) {
  if (behaviour_ == TlsBehaviour::kServe || behaviour_ == TlsBehaviour::kOnlyTls11) {
    co_await ServeTls(std::move(socket));
    co_return;
  }
  std::array<char, 4096> bytes{};
  const auto [error, size] = co_await socket.async_read_some(asio::buffer(bytes), kTuple);
  if (error || behaviour_ == TlsBehaviour::kCutHandshake) co_return;
  if (behaviour_ == TlsBehaviour::kPlain) {
    const std::string answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(answer), kTuple);
    co_return;
  }
  for (;;) {
    const auto [ended, more] = co_await socket.async_read_some(asio::buffer(bytes), kTuple);
    if (ended) co_return;
  }
}

asio::awaitable<void> TlsServer::ServeTls(asio::ip::tcp::socket socket) {
  Stream stream(std::move(socket), context_);
  const auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server, kTuple);
  if (refused) co_return;
  ++handshakes_;
  {
    const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
    const std::lock_guard lock(mutex_);
    server_name_ = name != nullptr ? name : "";
  }
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 4096> bytes{};
    const auto [ended, size] = co_await stream.async_read_some(asio::buffer(bytes), kTuple);
    if (ended) co_return;
    application_bytes_ += size;
    request.append(bytes.data(), size);
  }
  if (request.find("Upgrade: websocket") != std::string::npos) {
    co_await Echo(stream, request);
    co_return;
  }
  co_await asio::async_write(stream, asio::buffer(reply), kTuple);
  co_await stream.async_shutdown(kTuple);
}

}  // namespace tentacle::testing
