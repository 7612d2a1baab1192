// UDP 69: who may have which file. The transfers themselves go over TftpPorts.
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
#include "services/pxe/boot_shelf.h"
#include "services/pxe/core/client_memory.h"
#include "services/pxe/local_addresses.h"
#include "services/pxe/metrics.h"
#include "services/pxe/neighbours.h"
#include "services/pxe/tftp_ports.h"

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
    LocalAddresses& addresses;
    ClientMemory& memory;
    MacOfAddress mac_of;
    BootShelf& shelf;
    std::size_t max_sessions;
    std::uint16_t http_port;
  };

  TftpListener(Parts parts, std::unique_ptr<net::DatagramSocket> socket);

  boost::asio::awaitable<absl::Status> Run();
  void Close();

 private:
  // Whose request it is, or why it is refused: with an error, or in silence.
  struct Asker {
    std::optional<wire::MacAddress> mac;
    std::string_view refused;
    std::string_view error;
    std::uint32_t our_address = 0;
  };

  void Serve(const net::Datagram& first);
  Asker Judge(const net::Datagram& first, absl::Time now);
  boost::asio::awaitable<void> Transfer(net::Datagram first,
                                        wire::TftpRequest request,
                                        Asker asker);
  void Refuse(const net::Datagram& to,
              wire::TftpErrorCode code,
              std::string_view message,
              std::string_view outcome);

  void Drop(std::string_view outcome) { parts_.metrics.TftpEnded(outcome, 0); }

  TftpCaps CapsFor(std::uint32_t client,
                   const std::optional<wire::MacAddress>& mac,
                   absl::Time now) const;
  bool Reserve(std::uint32_t client);
  void Release(std::uint32_t client);
  void Ended(const TftpPorts::Transfer& transfer, TftpOutcome outcome);
  std::optional<wire::MacAddress> MacOf(std::uint32_t address) const;

  Parts parts_;
  std::unique_ptr<net::DatagramSocket> socket_;
  TftpPorts ports_;
  std::map<std::uint32_t, std::size_t> open_by_client_;
  std::size_t open_ = 0;
  absl::Time refusal_second_ = absl::InfinitePast();
  std::size_t refusals_ = 0;
};

}  // namespace tentacle::pxe
