// The ports that transfers go over. Each carries many: a transfer is known by its client's address
// and port, and takes another port of ours than the one before, as RFC 1350 section 4 wants it. Few
// sockets, so that what comes in together is read and answered in one call of the kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/net/datagram_socket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/core/tftp_session.h"

namespace tentacle::pxe {

// Home thread only.
class TftpPorts {
 public:
  struct Transfer {
    net::Ipv4Endpoint client;
    std::uint32_t our_address = 0;      // That was asked, and answers.
    std::vector<std::uint8_t> request;  // The datagram that asked for it.
    std::string file;
    TftpSession session;
    absl::Time started;
  };

  using OnEnd = std::function<void(const Transfer&, TftpOutcome)>;

  TftpPorts(boost::asio::any_io_executor home,
            const runtime::Clock& clock,
            runtime::Log log,
            OnEnd on_end);

  // Until Close(), or a socket breaks.
  absl::Status Open(std::size_t ports);
  boost::asio::awaitable<absl::Status> Run();
  void Close();

  // Sends the first packet. A client's new request takes the place of what it has under way from
  // the same port.
  void Begin(Transfer transfer);
  // The same request of this client came already and has not got further: it is a repeated one, and
  // has been dealt with.
  bool Repeated(const net::Datagram& request);

  std::size_t open() const { return where_.size(); }

 private:
  using Transfers = std::map<net::Ipv4Endpoint, Transfer>;

  struct Port {
    std::unique_ptr<net::DatagramSocket> socket;
    Transfers transfers;
    // What goes out together; the buffers are kept from one batch to the next.
    std::vector<wire::Buffer> buffers;
    std::vector<net::Departure> departures;
  };

  boost::asio::awaitable<void> Serve(std::shared_ptr<Port> port);
  boost::asio::awaitable<void> WatchDeadlines();
  void Handle(Port& port, const net::Datagram& datagram, absl::Time now);
  // Queues what the step sends; true when the transfer is over and gone.
  bool Take(Port& port, Transfers::iterator at, TftpSession::Step step);
  void Queue(Port& port, const Transfer& transfer, const TftpSession::Step& step);
  void Flush(Port& port);
  absl::Duration Spin(const Port& port) const;

  boost::asio::any_io_executor home_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  OnEnd on_end_;
  std::vector<std::shared_ptr<Port>> ports_;
  std::map<net::Ipv4Endpoint, std::size_t> where_;  // Which port has a client's transfer.
  std::size_t next_port_ = 0;
  boost::asio::steady_timer tick_;
  boost::asio::steady_timer broken_;
  absl::Status status_ = absl::CancelledError("stopped");
  bool closed_ = false;
};

}  // namespace tentacle::pxe
