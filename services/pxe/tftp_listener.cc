#include "services/pxe/tftp_listener.h"

#include <fmt/format.h>

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "libs/async/on_pool.h"
#include "libs/net/path_mtu.h"
#include "services/pxe/core/autoexec_script.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/grub_config.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace asio = boost::asio;

TftpListener::TftpListener(Parts parts, std::unique_ptr<net::DatagramSocket> socket)
    : parts_(std::move(parts)),
      socket_(std::move(socket)),
      ports_(parts_.home,
             parts_.clock,
             parts_.log,
             [this](const TftpPorts::Transfer& transfer, TftpOutcome outcome) {
               Ended(transfer, outcome);
             }) {}

asio::awaitable<absl::Status> TftpListener::Run() {
  if (absl::Status status = ports_.Open(limits::kTftpPorts); !status.ok()) co_return status;
  auto ports = ports_.Run();
  asio::co_spawn(parts_.home, std::move(ports), asio::detached);
  for (;;) {
    const auto datagrams = co_await socket_->ReceiveMany(limits::kTftpBatch, absl::ZeroDuration());
    if (!datagrams.ok()) {
      ports_.Close();
      co_return datagrams.status();
    }
    for (const net::Datagram& first : *datagrams)
      Serve(first);
  }
}

void TftpListener::Close() {
  socket_->Close();
}

void TftpListener::Refuse(const net::Datagram& to,
                          wire::TftpErrorCode code,
                          std::string_view message,
                          std::string_view outcome) {
  parts_.metrics.TftpEnded(outcome, 0);
  const absl::Time now = parts_.clock.Now();
  if (now - refusal_second_ >= absl::Seconds(1)) {
    refusal_second_ = now;
    refusals_ = 0;
  }
  if (++refusals_ > limits::kTftpRefusalsPerSecond) return;
  const absl::Status sent =
      socket_->Send(wire::EmitTftp(wire::TftpError{code, std::string(message)}), to.from,
                    to.interface_index, to.to_address);
  if (!sent.ok())
    parts_.log.Warning("pxe.tftp_send_failed", {{"reason", std::string(sent.message())}});
}

void TftpListener::Serve(const net::Datagram& first) {
  const auto packet = wire::ParseTftp(first.bytes);
  const auto* request = packet.ok() ? std::get_if<wire::TftpRequest>(&*packet) : nullptr;
  if (request == nullptr) return Drop("malformed");
  if (!parts_.desk.enabled()) return Drop("disabled");
  const Asker asker = Judge(first, parts_.clock.Now());
  if (!asker.error.empty())
    return Refuse(first, wire::TftpErrorCode::kAccessViolation, asker.error, asker.refused);
  if (!asker.refused.empty()) return Drop(asker.refused);
  if (request->write) {
    return Refuse(first, wire::TftpErrorCode::kAccessViolation, "this server only reads",
                  "write_refused");
  }
  if (ports_.Repeated(first)) return Drop("repeated");
  // Silence: the client asks again, an attacker gets nothing.
  if (!Reserve(first.from.address)) return Drop("too_many");
  auto transfer = Transfer(first, *request, asker);
  asio::co_spawn(parts_.home, std::move(transfer), asio::detached);
}

// The same policy as for DHCP: a machine with an open task, on a network of ours or behind a relay
// that was answered.
TftpListener::Asker TftpListener::Judge(const net::Datagram& first, absl::Time now) {
  const std::uint32_t client = first.from.address;
  Asker asker;
  const auto ours =
      parts_.addresses.ServedAddress(first.interface_index, first.to_address, client, now);
  if (!ours) {
    asker.refused = "foreign_interface";
    return asker;
  }
  asker.our_address = *ours;
  const bool on_link = parts_.addresses.OnLink(client, now);
  if (!on_link && !parts_.memory.RelaysAreServed(now)) {
    asker.refused = "foreign_source";
    return asker;
  }
  asker.mac = MacOf(client);
  if (!asker.mac && on_link) {
    // The error makes the kernel ask for its MAC: the next request finds it. Behind a relay there
    // is none to be had.
    asker.refused = "unknown_machine";
    asker.error = "this machine is not known; ask again";
  } else if (const auto reason = asker.mac ? parts_.desk.Admit(*asker.mac) : std::nullopt) {
    asker.refused = DropName(*reason);
    asker.error = "nothing to boot for this machine";
  }
  return asker;
}

std::optional<wire::MacAddress> TftpListener::MacOf(std::uint32_t address) const {
  if (const auto mac = parts_.memory.MacAt(address)) return mac;
  return parts_.mac_of(DottedQuad(address));
}

bool TftpListener::Reserve(std::uint32_t client) {
  std::size_t& held = open_by_client_[client];
  if (open_ >= parts_.max_sessions || held >= limits::kTftpSessionsPerClient) {
    if (held == 0) open_by_client_.erase(client);
    return false;
  }
  ++held;
  parts_.metrics.TftpSessions(++open_);
  return true;
}

void TftpListener::Release(std::uint32_t client) {
  parts_.metrics.TftpSessions(--open_);
  const auto at = open_by_client_.find(client);
  if (at != open_by_client_.end() && --at->second == 0) open_by_client_.erase(at);
}

TftpCaps TftpListener::CapsFor(std::uint32_t client,
                               const std::optional<wire::MacAddress>& mac,
                               absl::Time now) const {
  TftpCaps caps;
  caps.window = limits::kTftpMaxWindow;
  caps.block_bytes = limits::kTftpMaxBlockBytes;
  if (const auto mtu = net::PathMtu(client)) caps.block_bytes = BlockBytesOf(*mtu);
  if (parts_.memory.WantsSmallBlocks(client, now)) caps.block_bytes = limits::kTftpBlockBytes;
  if (!mac) return caps;
  const TransferCaps quirk = parts_.memory.CapsOf(*mac);
  if (quirk.block_bytes != 0) caps.block_bytes = std::min(caps.block_bytes, quirk.block_bytes);
  if (quirk.window != 0) caps.window = std::min(caps.window, quirk.window);
  return caps;
}

asio::awaitable<void> TftpListener::Transfer(net::Datagram first,
                                             wire::TftpRequest request,
                                             Asker asker) {
  const std::uint32_t client = first.from.address;
  const auto safe = SafeBootPath(request.file);
  if (!safe) {
    Release(client);
    Refuse(first, wire::TftpErrorCode::kAccessViolation, "not a name of a boot file", "bad_name");
    co_return;
  }
  absl::StatusOr<std::shared_ptr<const std::string>> file =
      absl::NotFoundError("no machine is known there");
  if (BaseName(*safe) == kAutoexecName) {
    const std::string base =
        fmt::format("http://{}:{}", DottedQuad(asker.our_address), parts_.http_port);
    if (asker.mac) file = std::make_shared<const std::string>(AutoexecScript(base, *asker.mac));
  } else if (*safe == kGrubConfigName && asker.mac) {
    ScriptRequest wanted;
    wanted.mac = *asker.mac;
    wanted.boots = true;
    wanted.call = {
        {DottedQuad(client), asker.mac}, DottedQuad(asker.our_address), parts_.http_port};
    auto config = co_await parts_.desk.GrubScript(std::move(wanted));
    if (config) file = std::make_shared<const std::string>(*std::move(config));
  } else {
    auto read = [&shelf = parts_.shelf, name = *safe] { return shelf.Read(name); };
    file = co_await async::OnPool(parts_.blocking, read);
  }
  if (!file.ok()) {
    Release(client);
    // iPXE and Raspberry Pis ask for much that need not be there: no error of ours (G21, G35).
    parts_.log.Debug("pxe.tftp_not_found",
                     {{"file", *safe}, {"reason", std::string(file.status().message())}});
    Refuse(first, wire::TftpErrorCode::kFileNotFound, "no such boot file", "not_found");
    co_return;
  }
  const absl::Time now = parts_.clock.Now();
  const TftpTerms terms =
      Negotiate(request.options, (*file)->size(), CapsFor(client, asker.mac, now));
  ports_.Begin({first.from, asker.our_address, std::move(first.bytes), *safe,
                TftpSession(*file, terms), now});
}

void TftpListener::Ended(const TftpPorts::Transfer& transfer, TftpOutcome outcome) {
  const TftpSession& session = transfer.session;
  const std::uint32_t client = transfer.client.address;
  Release(client);
  parts_.metrics.TftpEnded(TftpOutcomeName(outcome), session.acknowledged_bytes());
  const absl::Time now = parts_.clock.Now();
  const absl::Duration took = now - transfer.started;
  const auto mac = MacOf(client);
  parts_.log.Info("pxe.tftp_ended", {{"mac", mac ? mac->ToString() : ""},
                                     {"address", DottedQuad(client)},
                                     {"file", transfer.file},
                                     {"outcome", TftpOutcomeName(outcome)},
                                     {"bytes", session.acknowledged_bytes()},
                                     {"block", session.acknowledged_block()},
                                     {"retransmits", session.retransmits()},
                                     {"seconds", absl::ToDoubleSeconds(took)}});
  if (outcome == TftpOutcome::kTimedOut && session.first_block_lost() &&
      session.terms().block_bytes > limits::kTftpBlockBytes) {
    parts_.memory.FirstBlockLost(client, now);
  }
  if (!mac) return;
  if (outcome == TftpOutcome::kTimedOut) {
    parts_.desk.Note(
        *mac, "tftp",
        fmt::format("{} timed out after block {}", transfer.file, session.acknowledged_block()));
  }
  if (outcome != TftpOutcome::kComplete) return;
  // Only an iPXE that runs asks for that, and says so by it.
  if (BaseName(transfer.file) == kAutoexecName) return parts_.desk.loops().Forget(*mac);
  parts_.desk.LoaderSent(*mac, transfer.file, took);
  if (!IsIpxeLoader(transfer.file) || !parts_.desk.loops().LoaderSent(*mac, now)) return;
  parts_.log.Warning("pxe.loader_loop", {{"mac", mac->ToString()}, {"file", transfer.file}});
  parts_.desk.Note(
      *mac, "loader-loop",
      fmt::format("{} was fetched again and again; offering the script", transfer.file));
}

}  // namespace tentacle::pxe
