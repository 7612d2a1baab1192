// UDP 69: one session per transfer, each on a port of its own (RFC 1350 section 4).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/net/datagram_socket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "libs/wire/tftp.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/metrics.h"

namespace tentacle::pxe {

// Home thread only.
class TftpListener {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    const runtime::Clock& clock;
    runtime::Log log;
    Metrics& metrics;
    BootDesk& desk;
    std::string boot_dir;
    std::size_t max_sessions;
  };
  TftpListener(Parts parts, std::unique_ptr<net::DatagramSocket> socket);

  boost::asio::awaitable<absl::Status> Run();

 private:
  boost::asio::awaitable<void> Serve(net::Datagram first);
  boost::asio::awaitable<void> Transfer(net::Datagram first, wire::TftpRequest request);
  boost::asio::awaitable<void> Pump(net::DatagramSocket& socket, net::Datagram first, class TftpSession& session,
                                    std::string file);
  void Refuse(const net::Datagram& to, wire::TftpErrorCode code, std::string_view message, std::string_view outcome);

  Parts parts_;
  std::unique_ptr<net::DatagramSocket> socket_;
  std::map<std::uint32_t, std::size_t> open_by_client_;
  std::size_t open_ = 0;
};

}  // namespace tentacle::pxe
