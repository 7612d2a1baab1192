// An HTTP proxy for tests (CONNECT, RFC 9110 section 9.3.6), which can be told to let nobody
// through.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "tests/support/tcp_server.h"

namespace tentacle::testing {

class ConnectProxy {
 public:
  ConnectProxy();

  // As the environment names a proxy.
  std::string Url() const;

  std::uint16_t port() const { return server_.port(); }

  std::atomic<bool> refuses = false;  // True: 407.

 private:
  boost::asio::awaitable<void> Serve(boost::asio::ip::tcp::socket client);

  TcpServer server_;  // Last: its thread uses all of the above.
};

}  // namespace tentacle::testing
