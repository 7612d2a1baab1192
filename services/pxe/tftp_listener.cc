#include "services/pxe/tftp_listener.h"

#include <unistd.h>

#include <absl/cleanup/cleanup.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/net/http_types.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/core/tftp_session.h"
#include "services/pxe/limits.h"
#include "services/pxe/neighbours.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

// NotFound, PermissionDenied, ResourceExhausted (too large for TFTP).
absl::StatusOr<std::shared_ptr<const std::string>> ReadWhole(const std::string& path) {
  const auto span = net::OpenFileSpan(path);
  if (!span.ok()) return span.status();
  if (span->length > limits::kMaxTftpFileBytes) return absl::ResourceExhaustedError("too large for TFTP");
  auto content = std::make_shared<std::string>(span->length, '\0');
  std::size_t at = 0;
  while (at < content->size()) {
    const ssize_t got = ::pread(*span->fd, content->data() + at, content->size() - at, static_cast<off_t>(at));
    if (got <= 0) return absl::DataLossError("the file became shorter while it was read");
    at += static_cast<std::size_t>(got);
  }
  return std::shared_ptr<const std::string>(std::move(content));
}

}  // namespace

TftpListener::TftpListener(Parts parts, std::unique_ptr<net::DatagramSocket> socket)
    : parts_(std::move(parts)), socket_(std::move(socket)) {}

asio::awaitable<absl::Status> TftpListener::Run() {
  for (;;) {
    auto datagram = co_await socket_->Receive();
    if (!datagram.ok()) co_return datagram.status();
    auto served = Serve(*std::move(datagram));
    asio::co_spawn(parts_.home, std::move(served), asio::detached);
  }
}

void TftpListener::Refuse(const net::Datagram& to,
                          wire::TftpErrorCode code,
                          std::string_view message,
                          std::string_view outcome) {
  parts_.metrics.TftpEnded(outcome, 0);
  const absl::Status sent = socket_->Send(
      wire::EmitTftp(wire::TftpError{code, std::string(message)}), to.from, to.interface_index, to.to_address);
  if (!sent.ok()) parts_.log.Warning("pxe.tftp_send_failed", {{"reason", std::string(sent.message())}});
}

asio::awaitable<void> TftpListener::Serve(net::Datagram first) {
  const auto packet = wire::ParseTftp(first.bytes);
  const auto* request = packet.ok() ? std::get_if<wire::TftpRequest>(&*packet) : nullptr;
  if (request == nullptr) {
    parts_.metrics.TftpEnded("malformed", 0);
    co_return;
  }
  if (!parts_.desk.enabled()) {
    parts_.metrics.TftpEnded("disabled", 0);
    co_return;
  }
  if (request->write) {
    Refuse(first, wire::TftpErrorCode::kAccessViolation, "this server only reads", "write_refused");
    co_return;
  }
  std::size_t& held = open_by_client_[first.from.address];
  if (open_ >= parts_.max_sessions || held >= limits::kTftpSessionsPerClient) {
    if (held == 0) open_by_client_.erase(first.from.address);
    parts_.metrics.TftpEnded("too_many", 0);  // Silence: the client asks again, an attacker gets nothing.
    co_return;
  }
  ++held;
  parts_.metrics.TftpSessions(++open_);
  auto release = [this, client = first.from.address] {
    parts_.metrics.TftpSessions(--open_);
    const auto at = open_by_client_.find(client);
    if (at != open_by_client_.end() && --at->second == 0) open_by_client_.erase(at);
  };
  const absl::Cleanup on_end(release);
  co_await Transfer(first, *request);
}

asio::awaitable<void> TftpListener::Transfer(net::Datagram first, wire::TftpRequest request) {
  const auto safe = SafeBootPath(request.file);
  if (!safe) {
    Refuse(first, wire::TftpErrorCode::kAccessViolation, "not a name of a boot file", "bad_name");
    co_return;
  }
  auto read = [path = parts_.boot_dir + "/" + *safe] { return ReadWhole(path); };
  auto file = co_await async::OnPool(parts_.blocking, read);
  if (!file.ok()) {
    // iPXE asks for autoexec.ipxe and others that need not be there: no error of ours (G21).
    parts_.log.Debug("pxe.tftp_not_found", {{"file", *safe}, {"reason", std::string(file.status().message())}});
    Refuse(first, wire::TftpErrorCode::kFileNotFound, "no such boot file", "not_found");
    co_return;
  }
  // From the address that was asked, but a port of its own.
  net::DatagramOptions options;
  options.address = first.to_address;
  auto socket = net::DatagramSocket::Open(parts_.home, options);
  if (!socket.ok()) {
    Refuse(first, wire::TftpErrorCode::kNotDefined, "the server has no port left", "no_port");
    co_return;
  }
  TftpSession session(*file, Negotiate(request.options, (*file)->size()));
  co_await Pump(**socket, std::move(first), session, *safe);
}

asio::awaitable<void> TftpListener::Pump(net::DatagramSocket& socket,
                                         net::Datagram first,
                                         TftpSession& session,
                                         std::string file) {
  const absl::Time started = parts_.clock.Now();
  asio::steady_timer timer(parts_.home);
  TftpSession::Step step = session.Start(started);
  while (!step.outcome) {
    if (!step.send.empty()) {
      const absl::Status sent = socket.Send(step.send, first.from, 0, 0);
      if (!sent.ok()) parts_.log.Debug("pxe.tftp_send_failed", {{"reason", std::string(sent.message())}});
    }
    timer.expires_after(absl::ToChronoNanoseconds(step.deadline - parts_.clock.Now()));
    auto next = co_await (socket.Receive() || timer.async_wait(asio::use_awaitable));
    if (next.index() == 1) {
      step = session.OnDeadline(parts_.clock.Now());
      continue;
    }
    const auto& datagram = std::get<0>(next);
    if (!datagram.ok()) co_return parts_.metrics.TftpEnded("socket_failed", session.acknowledged_bytes());
    if (datagram->from != first.from) {  // RFC 1350 section 4: tell the stranger, go on with the client.
      const auto error = wire::EmitTftp(wire::TftpError{wire::TftpErrorCode::kUnknownTransfer, "unknown transfer"});
      static_cast<void>(socket.Send(error, datagram->from, 0, 0));
      step.send.clear();
      continue;
    }
    step = session.OnPacket(datagram->bytes, parts_.clock.Now());
  }
  parts_.metrics.TftpEnded(TftpOutcomeName(*step.outcome), session.acknowledged_bytes());
  const auto mac = NeighbourMac(DottedQuad(first.from.address));
  const absl::Duration took = parts_.clock.Now() - started;
  parts_.log.Info("pxe.tftp_ended",
                  {{"mac", mac ? mac->ToString() : ""},
                   {"address", DottedQuad(first.from.address)},
                   {"file", file},
                   {"outcome", TftpOutcomeName(*step.outcome)},
                   {"bytes", session.acknowledged_bytes()},
                   {"retransmits", session.retransmits()},
                   {"seconds", absl::ToDoubleSeconds(took)}});
  if (mac && *step.outcome == TftpOutcome::kComplete) parts_.desk.LoaderSent(*mac, file, took);
}

}  // namespace tentacle::pxe
