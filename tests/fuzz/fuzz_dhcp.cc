// DHCP from strangers: parse -> emit -> parse gives the same message, and whatever is answered can be read.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/dhcp.h"
#include "services/pxe/core/proxy_dhcp.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

// What does not survive on purpose: overload is never sent, and a name ends with a NUL.
wire::DhcpMessage Sendable(wire::DhcpMessage message) {
  std::erase_if(message.options, [](const auto& one) { return one.code == wire::dhcp_option::kOverload; });
  message.server_name.resize(std::min<std::size_t>(message.server_name.size(), 63));
  message.boot_file.resize(std::min<std::size_t>(message.boot_file.size(), 127));
  return message;
}

void CheckAnswer(const wire::DhcpMessage& request, pxe::DhcpPort port) {
  const auto boot = pxe::ReadBootRequest(request, port);
  if (!std::holds_alternative<pxe::BootRequest>(boot)) return;
  const pxe::Arrival arrival{port, 0xc0a80a02, 0xc0a80a65, 4011};
  const pxe::DhcpAnswer answer = pxe::AnswerDhcp(request, std::get<pxe::BootRequest>(boot), arrival, {});
  const auto reply = wire::ParseDhcp(wire::EmitDhcp(answer.reply));
  TENTACLE_CHECK(reply.ok());
  TENTACLE_CHECK(reply->operation == wire::DhcpOperation::kReply);
  TENTACLE_CHECK(reply->transaction_id == request.transaction_id);
  TENTACLE_CHECK(reply->hardware_address == request.hardware_address);
  TENTACLE_CHECK(reply->your_address == 0);  // A proxy gives no addresses away.
  TENTACLE_CHECK(!reply->boot_file.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = wire::ParseDhcp(wire::Bytes(data, size));
  if (!message.ok()) return 0;
  const auto again = wire::ParseDhcp(wire::EmitDhcp(*message));
  TENTACLE_CHECK(again.ok());
  TENTACLE_CHECK(*again == Sendable(*message));
  CheckAnswer(*message, pxe::DhcpPort::kDhcp);
  CheckAnswer(*message, pxe::DhcpPort::kBootServer);
  return 0;
}
