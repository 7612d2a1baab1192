#include "services/discovery/wake_sender.h"

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

asio::awaitable<absl::StatusOr<std::uint32_t>> WakeSender::Wake(std::shared_ptr<WakeSender> self,
                                                                wire::MacAddress mac) {
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

  std::uint32_t packets = 0;
  asio::steady_timer gap(self->home_);
  for (int round = 0; round < limits::kWakeRepeats; ++round) {
    if (round > 0) {
      gap.expires_after(absl::ToChronoNanoseconds(limits::kWakeGap));
      co_await gap.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    packets += self->SendRound(**socket, mac);
  }
  if (packets == 0) {
    self->metrics_.WakeRequest("failed");
    co_return absl::UnavailableError("no interface took a magic packet");
  }
  self->metrics_.WakeRequest("sent");
  self->log_.Info("discovery.wake_sent", {{"mac", mac.ToString()}, {"packets", packets}});
  co_return packets;
}

std::uint32_t WakeSender::SendRound(net::DatagramSocket& socket, const wire::MacAddress& mac) {
  const auto payload = wire::EmitWakeOnLan(mac);
  std::uint32_t packets = 0;
  for (const WatchedInterface& interface : links_.watched()) {
    for (const Subnet& subnet : interface.subnets) {
      const std::uint32_t from = subnet.own_address;
      const auto to_all = [&](std::uint32_t address) {
        return socket.Send(payload, {address, limits::kWakePort}, interface.index, from);
      };
      if (Sent("udp", to_all(kLimitedBroadcast))) ++packets;
      // A /31 and a /32 have no broadcast address of their own.
      if (subnet.prefix_length >= 31) continue;
      if (Sent("udp", to_all(subnet.broadcast()))) ++packets;
    }
    const auto frame = wire::EmitEthernet(
        {wire::kBroadcastMac, interface.mac, wire::kEthertypeWakeOnLan, payload});
    const absl::Status status = links_.Send(interface.name, frame);
    if (absl::IsNotFound(status)) continue;  // No link, no raw frame.
    if (Sent("raw", status)) ++packets;
  }
  return packets;
}

bool WakeSender::Sent(std::string_view method, const absl::Status& status) {
  metrics_.WakePacket(method, status.ok());
  if (!status.ok()) {
    log_.Warning("discovery.wake_packet_failed",
                 {{"method", method}, {"reason", text::Message(status)}});
  }
  return status.ok();
}

}  // namespace tentacle::discovery
