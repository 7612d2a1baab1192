#include "services/pxe/tftp_ports.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace asio = boost::asio;

TftpPorts::TftpPorts(asio::any_io_executor home,
                     const runtime::Clock& clock,
                     runtime::Log log,
                     OnEnd on_end)
    : home_(home),
      clock_(clock),
      log_(std::move(log)),
      on_end_(std::move(on_end)),
      tick_(home),
      broken_(home) {
  tick_.expires_at(asio::steady_timer::time_point::max());
  broken_.expires_at(asio::steady_timer::time_point::max());
}

absl::Status TftpPorts::Open(std::size_t ports) {
  for (std::size_t i = 0; i < ports; ++i) {
    net::DatagramOptions options;
    options.receive_buffer_bytes = limits::kReceiveBufferBytes;
    auto socket = net::DatagramSocket::Open(home_, options);
    if (!socket.ok()) return socket.status();
    auto port = std::make_shared<Port>();
    port->socket = *std::move(socket);
    port->buffers.resize(limits::kTftpBatch);
    ports_.push_back(std::move(port));
  }
  return absl::OkStatus();
}

asio::awaitable<absl::Status> TftpPorts::Run() {
  for (const auto& port : ports_) {
    auto serve = Serve(port);
    asio::co_spawn(home_, std::move(serve), asio::detached);
  }
  auto watch = WatchDeadlines();
  asio::co_spawn(home_, std::move(watch), asio::detached);
  co_await broken_.async_wait(asio::as_tuple(asio::use_awaitable));
  Close();
  co_return status_;
}

void TftpPorts::Close() {
  closed_ = true;
  for (const auto& port : ports_)
    port->socket->Close();
  broken_.cancel();
  tick_.cancel();
}

asio::awaitable<void> TftpPorts::Serve(std::shared_ptr<Port> port) {
  for (;;) {
    const auto datagrams = co_await port->socket->ReceiveMany(limits::kTftpBatch, Spin(*port));
    if (!datagrams.ok()) {
      if (!absl::IsCancelled(datagrams.status())) status_ = datagrams.status();
      broken_.cancel();
      co_return;
    }
    const absl::Time now = clock_.Now();
    for (const net::Datagram& datagram : *datagrams)
      Handle(*port, datagram, now);
    Flush(*port);
  }
}

// A client that answers within microseconds is waited for awake: falling asleep and being woken
// takes longer than its answer. Never when it would take from others.
absl::Duration TftpPorts::Spin(const Port& port) const {
  if (port.transfers.size() != 1 || where_.size() > limits::kTftpSpinTransfers)
    return absl::ZeroDuration();
  const absl::Duration round_trip = port.transfers.begin()->second.session.round_trip();
  if (round_trip == absl::ZeroDuration() || round_trip > limits::kTftpSpin)
    return absl::ZeroDuration();
  return limits::kTftpSpin;
}

void TftpPorts::Handle(Port& port, const net::Datagram& datagram, absl::Time now) {
  const auto at = port.transfers.find(datagram.from);
  if (at != port.transfers.end()) {
    Take(port, at, at->second.session.OnPacket(datagram.bytes, now));
    return;
  }
  // RFC 1350 section 4: tell the stranger, go on with the client. Nobody's error is answered, and
  // nobody who speaks to a port that serves no one.
  constexpr std::size_t kOpcodeBytes = 2;
  const bool is_error = datagram.bytes.size() < kOpcodeBytes ||
                        datagram.bytes[1] == static_cast<std::uint8_t>(wire::TftpOpcode::kError);
  if (is_error || port.transfers.empty()) return;
  const auto error =
      wire::EmitTftp(wire::TftpError{wire::TftpErrorCode::kUnknownTransfer, "unknown transfer"});
  static_cast<void>(port.socket->Send(error, datagram.from, 0, datagram.to_address));
}

bool TftpPorts::Take(Port& port, Transfers::iterator at, TftpSession::Step step) {
  if (!step.outcome) {
    Queue(port, at->second, step);
    return false;
  }
  const Transfer ended = std::move(at->second);
  where_.erase(at->first);
  port.transfers.erase(at);
  on_end_(ended, *step.outcome);
  return true;
}

void TftpPorts::Queue(Port& port, const Transfer& transfer, const TftpSession::Step& step) {
  if (step.oack.empty() && step.blocks == 0) return;
  if (port.departures.size() == port.buffers.size()) Flush(port);
  wire::Buffer& bytes = port.buffers[port.departures.size()];
  bytes.assign(step.oack.begin(), step.oack.end());  // Keeps the room it has.
  if (step.blocks > 0) transfer.session.AppendBlocks(step.first_block, step.blocks, &bytes);
  port.departures.push_back(
      {bytes, transfer.client, 0, transfer.our_address, transfer.session.packet_bytes(), {}});
}

void TftpPorts::Flush(Port& port) {
  if (port.departures.empty()) return;
  port.socket->SendMany(port.departures);
  for (const net::Departure& one : port.departures) {
    // The client repeats, or the deadline does.
    if (!one.status.ok())
      log_.Debug("pxe.tftp_send_failed", {{"reason", std::string(one.status.message())}});
  }
  port.departures.clear();
}

void TftpPorts::Begin(Transfer transfer) {
  if (const auto old = where_.find(transfer.client); old != where_.end()) {
    Port& port = *ports_[old->second];
    const auto at = port.transfers.find(transfer.client);
    TftpSession::Step over;
    over.outcome = TftpOutcome::kAborted;
    Take(port, at, std::move(over));
  }
  const std::size_t number = next_port_++ % ports_.size();
  Port& port = *ports_[number];
  where_[transfer.client] = number;
  const net::Ipv4Endpoint client = transfer.client;
  const auto at = port.transfers.emplace(client, std::move(transfer)).first;
  Take(port, at, at->second.session.Start(clock_.Now()));
  Flush(port);
  tick_.cancel();  // Somebody has a deadline now.
}

bool TftpPorts::Repeated(const net::Datagram& request) {
  const auto where = where_.find(request.from);
  if (where == where_.end()) return false;
  Port& port = *ports_[where->second];
  const auto at = port.transfers.find(request.from);
  if (at->second.session.heard() || at->second.request != request.bytes) return false;
  Take(port, at, at->second.session.OnRequestAgain(clock_.Now()));
  Flush(port);
  return true;
}

asio::awaitable<void> TftpPorts::WatchDeadlines() {
  while (!closed_) {
    if (where_.empty()) {
      tick_.expires_at(asio::steady_timer::time_point::max());
    } else {
      tick_.expires_after(absl::ToChronoNanoseconds(limits::kTftpTick));
    }
    co_await tick_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (closed_) co_return;
    const absl::Time now = clock_.Now();
    for (const auto& port : ports_) {
      for (auto at = port->transfers.begin(); at != port->transfers.end();) {
        const auto next = std::next(at);
        if (at->second.session.deadline() <= now)
          Take(*port, at, at->second.session.OnDeadline(now));
        at = next;
      }
      Flush(*port);
    }
  }
}

}  // namespace tentacle::pxe
