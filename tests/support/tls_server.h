// A real TLS server in the test's own process: echoes over a WebSocket, answers other requests, and
// counts what reaches it. Also the ways in which a server goes wrong.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "tests/support/tcp_server.h"
#include "tests/support/tls_server_certificates.h"

namespace tentacle::testing {

enum class TlsBehaviour {
  kServe,
  kOnlyTls11,     // Speaks nothing newer than TLS 1.1.
  kCutHandshake,  // Closes after the first bytes of the client.
  kPlain,         // Answers HTTP without TLS.
  kSilent,        // Accepts and says nothing.
};

class TlsServer {
 public:
  explicit TlsServer(const ServerIdentity& identity, TlsBehaviour behaviour = TlsBehaviour::kServe);

  std::uint16_t port() const { return server_.port(); }

  // What a request that is no WebSocket is answered. Set before the first request.
  std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

  void AwaitEnded(std::size_t connections) { server_.AwaitEnded(connections); }

  // Decrypted bytes of all clients, the requests included.
  std::size_t application_bytes() const { return application_bytes_; }

  std::size_t handshakes() const { return handshakes_; }

  // Of the last handshake; empty: the client sent none.
  std::string server_name() const;

 private:
  boost::asio::awaitable<void> Serve(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<void> ServeTls(boost::asio::ip::tcp::socket socket);

  TlsBehaviour behaviour_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  std::atomic<std::size_t> application_bytes_{0};
  std::atomic<std::size_t> handshakes_{0};
  mutable std::mutex mutex_;
  std::string server_name_;
  TcpServer server_;  // Last: its thread uses all of the above.
};

}  // namespace tentacle::testing
