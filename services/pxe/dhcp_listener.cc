#include "services/pxe/dhcp_listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/wire/dhcp.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace asio = boost::asio;

DhcpListener::DhcpListener(DhcpPort port, std::unique_ptr<net::DatagramSocket> socket, Parts parts)
    : port_(port), socket_(std::move(socket)), parts_(std::move(parts)) {}

asio::awaitable<absl::Status> DhcpListener::Run() {
  for (;;) {
    const auto datagrams = co_await socket_->ReceiveMany(limits::kDhcpBatch, absl::ZeroDuration());
    if (!datagrams.ok()) co_return datagrams.status();  // A broken socket ends the service.
    for (const net::Datagram& datagram : *datagrams)
      Handle(datagram);
    SendReplies();
  }
}

void DhcpListener::Handle(const net::Datagram& datagram) {
  const auto request = wire::ParseDhcp(datagram.bytes);
  if (!request.ok()) return parts_.metrics.DhcpDropped(DropReason::kMalformed);

  const auto read = ReadBootRequest(*request, port_);
  if (const auto* reason = std::get_if<DropReason>(&read)) {
    // What a client says to the DHCP server is none of our business, but for the address that it
    // takes.
    const auto mac = request->mac();
    if (mac && port_ == DhcpPort::kDhcp) parts_.memory.Bound(*mac, ChosenAddress(*request));
    return parts_.metrics.DhcpDropped(*reason);
  }
  const auto& boot = std::get<BootRequest>(read);
  const absl::Time now = parts_.clock.Now();
  const std::uint32_t peer =
      request->gateway_address != 0 ? request->gateway_address : datagram.from.address;
  const auto ours =
      parts_.addresses.ServedAddress(datagram.interface_index, datagram.to_address, peer, now);
  if (!ours) return parts_.metrics.DhcpDropped(DropReason::kForeignInterface);
  const Arrival arrival{port_, *ours, datagram.from.address, datagram.from.port};
  const QuirkEffects quirk = parts_.quirks.For(boot);
  const auto choice = Decide(boot, arrival, quirk);
  if (const auto* reason = std::get_if<DropReason>(&choice)) {
    // Another tentacle answers that one.
    if (*reason != DropReason::kStandby) parts_.attempts.Unanswered(boot, *reason);
    return parts_.metrics.DhcpDropped(*reason);
  }
  parts_.memory.Answered(boot.mac, {quirk.block_bytes.value_or(0), quirk.window.value_or(0)}, now);
  if (port_ == DhcpPort::kBootServer) parts_.memory.Bound(boot.mac, datagram.from.address);
  if (request->gateway_address != 0) parts_.memory.Relayed(now);

  DhcpAnswer answer = AnswerDhcp(*request, boot, arrival, std::get<BootChoice>(choice));
  Reply reply{boot, std::move(answer.reply.boot_file), quirk.delay, {}, {}};
  answer.reply.boot_file = reply.file;
  reply.bytes = wire::EmitDhcp(answer.reply);
  reply.departure.to = {answer.to_address, answer.to_port};
  reply.departure.interface_index = datagram.interface_index;
  reply.departure.from_address = *ours;
  replies_.push_back(std::move(reply));
}

std::variant<BootChoice, DropReason> DhcpListener::Decide(const BootRequest& boot,
                                                          const Arrival& arrival,
                                                          const QuirkEffects& quirk) {
  if (const auto reason = parts_.desk.Admit(boot, port_)) return *reason;
  // An iPXE that says so goes round in no circle.
  if (boot.ipxe) parts_.desk.loops().Forget(boot.mac);
  const bool round = parts_.desk.loops().GoesRound(boot.mac, parts_.clock.Now());
  auto choice = ChooseBoot(boot, arrival, parts_.urls, quirk, round);
  if (const auto* chosen = std::get_if<BootChoice>(&choice)) {
    if (!chosen->loader.empty() && !parts_.has_loader(chosen->loader)) return DropReason::kNoLoader;
  }
  return choice;
}

void DhcpListener::SendReplies() {
  std::vector<net::Departure> departures;
  std::vector<Reply*> at_once;
  departures.reserve(replies_.size());
  for (Reply& reply : replies_) {
    reply.departure.bytes = reply.bytes;
    if (reply.delay > absl::ZeroDuration() && port_ == DhcpPort::kDhcp &&
        delayed_ < limits::kMaxDelayed) {
      ++delayed_;
      auto later = SendLater(std::move(reply));
      asio::co_spawn(parts_.home, std::move(later), asio::detached);
      continue;
    }
    at_once.push_back(&reply);
    departures.push_back(reply.departure);
  }
  socket_->SendMany(departures);
  for (std::size_t i = 0; i < at_once.size(); ++i) {
    at_once[i]->departure.status = std::move(departures[i].status);
    Sent(*at_once[i]);
  }
  replies_.clear();
}

asio::awaitable<void> DhcpListener::SendLater(Reply reply) {
  asio::steady_timer timer(parts_.home);
  timer.expires_after(absl::ToChronoNanoseconds(reply.delay));
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  --delayed_;
  if (error) co_return;
  reply.departure.bytes = reply.bytes;
  socket_->SendMany(std::span(&reply.departure, 1));
  Sent(reply);
}

void DhcpListener::Sent(const Reply& reply) {
  if (!reply.departure.status.ok()) {
    parts_.metrics.DhcpFailed();
    parts_.log.Error("pxe.dhcp_send_failed",
                     {{"mac", reply.boot.mac.ToString()},
                      {"reason", std::string(reply.departure.status.message())}});
    return;
  }
  parts_.metrics.DhcpAnswered(port_);
  parts_.desk.Answered(reply.boot, port_, reply.file);
}

}  // namespace tentacle::pxe
