#include "services/discovery/wake_sender.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/text/view.h"
#include "libs/wire/ethernet.h"
#include "libs/wire/wake_on_lan.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr std::uint32_t kLimitedBroadcast = 0xffffffff;

}  // namespace

WakeSender::WakeSender(asio::any_io_executor home,
                       SegmentLinks& links,
                       Metrics& metrics,
                       runtime::Log log)
    : home_(std::move(home)), links_(links), metrics_(metrics), log_(std::move(log)) {}

asio::awaitable<absl::StatusOr<WakeSender::Sent>> WakeSender::Wake(std::shared_ptr<WakeSender> self,
                                                                   wire::MacAddress mac,
                                                                   wire::Buffer password) {
  if (self->links_.watched().empty()) {
    self->metrics_.WakeRequest("refused");
    const absl::Status ready = self->links_.Ready();
    co_return ready.ok() ? absl::FailedPreconditionError("no interface is watched") : ready;
  }
  net::DatagramOptions options;
  options.broadcast = true;
  auto socket = net::DatagramSocket::Open(self->home_, options);
  if (!socket.ok()) {
    self->metrics_.WakeRequest("failed");
    co_return socket.status();
  }

  Sent sent;
  const wire::Buffer payload = wire::EmitWakeOnLan(mac, password);
  asio::steady_timer gap(self->home_);
  for (int round = 0; round < limits::kWakeRepeats; ++round) {
    if (round > 0) {
      gap.expires_after(absl::ToChronoNanoseconds(limits::kWakeGap));
      co_await gap.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    self->SendRound(**socket, payload, &sent);
  }
  if (sent.packets == 0) {
    self->metrics_.WakeRequest("failed");
    co_return absl::UnavailableError("no interface took a magic packet");
  }
  if (!password.empty()) sent.methods.emplace_back("secureon");
  self->metrics_.WakeRequest("sent");
  self->log_.Info("discovery.wake_sent", {{"mac", mac.ToString()}, {"packets", sent.packets}});
  co_return sent;
}

void WakeSender::SendRound(net::DatagramSocket& socket, const wire::Buffer& payload, Sent* sent) {
  const auto note = [this, sent](std::string_view method, const absl::Status& status) {
    if (!Count(method, status)) return;
    ++sent->packets;
    auto& methods = sent->methods;
    if (std::find(methods.begin(), methods.end(), method) == methods.end())
      methods.emplace_back(method);
  };
  for (const WatchedInterface& interface : links_.watched()) {
    for (const Subnet& subnet : interface.subnets) {
      if (!subnet.has_address) continue;
      for (const std::uint16_t port : limits::kWakePorts) {
        const auto to = [&](std::uint32_t address) {
          return socket.Send(payload, {address, port}, interface.index, subnet.own_address);
        };
        note("udp", to(kLimitedBroadcast));
        // A /31 and a /32 have no broadcast address of their own.
        if (subnet.prefix_length < 31) note("udp", to(subnet.broadcast()));
      }
    }
    const auto frame = wire::EmitEthernet(
        {wire::kBroadcastMac, interface.mac, wire::kEthertypeWakeOnLan, payload});
    const absl::Status status = links_.Send(interface.name, frame);
    if (!absl::IsNotFound(status)) note("raw", status);  // No link, no raw frame.
  }
}

bool WakeSender::Count(std::string_view method, const absl::Status& status) {
  metrics_.WakePacket(method, status.ok());
  if (!status.ok()) {
    log_.Warning("discovery.wake_packet_failed",
                 {{"method", method}, {"reason", text::Message(status)}});
  }
  return status.ok();
}

}  // namespace tentacle::discovery
