// UDP 67 and 4011: receive, parse, decide, answer.
#pragma once

#include <memory>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "libs/net/datagram_socket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/local_addresses.h"
#include "services/pxe/metrics.h"

namespace tentacle::pxe {

// Home thread only; one for each port.
class DhcpListener {
 public:
  DhcpListener(DhcpPort port, std::unique_ptr<net::DatagramSocket> socket, LocalAddresses& addresses, BootDesk& desk,
               BootUrls urls, const runtime::Clock& clock, runtime::Log log, Metrics& metrics);

  // Until the socket breaks.
  boost::asio::awaitable<absl::Status> Run();

 private:
  void Handle(const net::Datagram& datagram);

  DhcpPort port_;
  std::unique_ptr<net::DatagramSocket> socket_;
  LocalAddresses& addresses_;
  BootDesk& desk_;
  BootUrls urls_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  Metrics& metrics_;
};

}  // namespace tentacle::pxe
