// UDP 67 and 4011: receive, parse, decide, answer.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/net/datagram_socket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/boot_attempts.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/core/client_memory.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/local_addresses.h"
#include "services/pxe/metrics.h"

namespace tentacle::pxe {

// Home thread only; one for each port.
class DhcpListener {
 public:
  // What both ports and TFTP have in common.
  struct Parts {
    boost::asio::any_io_executor home;
    LocalAddresses& addresses;
    BootDesk& desk;
    BootAttempts& attempts;
    const QuirkTable& quirks;
    ClientMemory& memory;
    std::function<bool(const std::string&)> has_loader;  // In the boot folder.
    BootUrls urls;
    const runtime::Clock& clock;
    runtime::Log log;
    Metrics& metrics;
  };

  DhcpListener(DhcpPort port, std::unique_ptr<net::DatagramSocket> socket, Parts parts);

  // Until the socket breaks.
  boost::asio::awaitable<absl::Status> Run();

 private:
  struct Reply {
    BootRequest boot;
    std::string file;
    absl::Duration delay;
    wire::Buffer bytes;
    net::Departure departure;
  };

  void Handle(const net::Datagram& datagram);
  // Which answer `boot` gets, or why none.
  std::variant<BootChoice, DropReason> Decide(const BootRequest& boot,
                                              const Arrival& arrival,
                                              const QuirkEffects& quirk);
  void SendReplies();
  boost::asio::awaitable<void> SendLater(Reply reply);
  void Sent(const Reply& reply);

  DhcpPort port_;
  std::unique_ptr<net::DatagramSocket> socket_;
  Parts parts_;
  std::vector<Reply> replies_;  // To what was received together; sent together.
  std::size_t delayed_ = 0;
};

}  // namespace tentacle::pxe
