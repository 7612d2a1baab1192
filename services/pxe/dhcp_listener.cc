#include "services/pxe/dhcp_listener.h"

#include "libs/wire/dhcp.h"

namespace tentacle::pxe {

DhcpListener::DhcpListener(DhcpPort port,
                           std::unique_ptr<net::DatagramSocket> socket,
                           LocalAddresses& addresses,
                           BootDesk& desk,
                           BootUrls urls,
                           const runtime::Clock& clock,
                           runtime::Log log,
                           Metrics& metrics)
    : port_(port),
      socket_(std::move(socket)),
      addresses_(addresses),
      desk_(desk),
      urls_(urls),
      clock_(clock),
      log_(std::move(log)),
      metrics_(metrics) {}

boost::asio::awaitable<absl::Status> DhcpListener::Run() {
  for (;;) {
    const auto datagram = co_await socket_->Receive();
    if (!datagram.ok()) co_return datagram.status();  // A broken socket ends the service.
    Handle(*datagram);
  }
}

void DhcpListener::Handle(const net::Datagram& datagram) {
  const auto request = wire::ParseDhcp(datagram.bytes);
  if (!request.ok()) return metrics_.DhcpDropped(DropReason::kMalformed);

  const auto read = ReadBootRequest(*request, port_);
  if (const auto* reason = std::get_if<DropReason>(&read)) return metrics_.DhcpDropped(*reason);
  const auto& boot = std::get<BootRequest>(read);
  if (const auto reason = desk_.Admit(boot)) return metrics_.DhcpDropped(*reason);

  const auto ours = addresses_.ServedAddress(datagram.interface_index, clock_.Now());
  if (!ours) return metrics_.DhcpDropped(DropReason::kForeignInterface);
  const Arrival arrival{port_, *ours, datagram.from.address, datagram.from.port};
  const DhcpAnswer answer = AnswerDhcp(*request, boot, arrival, urls_);

  const net::Ipv4Endpoint to{answer.to_address, answer.to_port};
  const absl::Status sent = socket_->Send(wire::EmitDhcp(answer.reply), to, datagram.interface_index, *ours);
  if (!sent.ok()) {
    metrics_.DhcpFailed();
    log_.Error("pxe.dhcp_send_failed", {{"mac", boot.mac.ToString()}, {"reason", std::string(sent.message())}});
    return;
  }
  metrics_.DhcpAnswered(port_);
  desk_.Answered(boot, port_, answer.reply.boot_file);
}

}  // namespace tentacle::pxe
