// DHCP from strangers: parse -> emit -> parse gives the same message, and whatever is answered can
// be read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>

#include "libs/runtime/check.h"
#include "libs/wire/dhcp.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/core/quirks.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

// What does not survive on purpose: overload is never sent, and a name ends with a NUL.
wire::DhcpMessage Sendable(wire::DhcpMessage message) {
  std::erase_if(message.options,
                [](const auto& one) { return one.code == wire::dhcp_option::kOverload; });
  message.server_name.resize(std::min<std::size_t>(message.server_name.size(), 63));
  message.boot_file.resize(std::min<std::size_t>(message.boot_file.size(), 127));
  return message;
}

bool Has(const wire::DhcpMessage& message, std::uint8_t code) {
  return message.Option(code).has_value();
}

// Every answer that this request could get: from each table of quirks, in a circle and not.
void CheckAnswer(const wire::DhcpMessage& request,
                 pxe::DhcpPort port,
                 const pxe::QuirkEffects& quirk,
                 bool script) {
  const auto read = pxe::ReadBootRequest(request, port);
  if (!std::holds_alternative<pxe::BootRequest>(read)) return;
  const auto& boot = std::get<pxe::BootRequest>(read);
  for (const std::string* said :
       {&boot.says.vendor_class, &boot.says.user_class, &boot.says.host_name}) {
    TENTACLE_CHECK(said->size() <= pxe::kMaxSaidBytes);
    TENTACLE_CHECK(
        std::all_of(said->begin(), said->end(), [](char c) { return c >= ' ' && c < 0x7f; }));
  }
  const pxe::Arrival arrival{port, 0xc0a80a02, 0xc0a80a65, 4011};
  const auto choice = pxe::ChooseBoot(boot, arrival, {}, quirk, script);
  if (!std::holds_alternative<pxe::BootChoice>(choice)) return;
  const pxe::DhcpAnswer answer =
      pxe::AnswerDhcp(request, boot, arrival, std::get<pxe::BootChoice>(choice));
  const wire::Buffer bytes = wire::EmitDhcp(answer.reply);
  TENTACLE_CHECK(bytes.size() >= 300 && bytes.size() <= 1472);
  const auto reply = wire::ParseDhcp(bytes);
  TENTACLE_CHECK(reply.ok());
  TENTACLE_CHECK(reply->operation == wire::DhcpOperation::kReply);
  TENTACLE_CHECK(reply->transaction_id == request.transaction_id);
  TENTACLE_CHECK(reply->hardware_address == request.hardware_address);
  TENTACLE_CHECK(reply->your_address == 0);  // A proxy gives no addresses away.
  TENTACLE_CHECK(!reply->boot_file.empty());
  for (const std::uint8_t code : {wire::dhcp_option::kMessageType, wire::dhcp_option::kServerId,
                                  wire::dhcp_option::kVendorClass}) {
    TENTACLE_CHECK(Has(*reply, code));
  }
  // Addresses, leases and routers are the DHCP server's.
  for (const int code : {1, 3, 6, 51, 58, 59}) {
    TENTACLE_CHECK(!Has(*reply, static_cast<std::uint8_t>(code)));
  }
  TENTACLE_CHECK(Has(*reply, wire::dhcp_option::kRelayAgent) ==
                 Has(request, wire::dhcp_option::kRelayAgent));
}

pxe::QuirkEffects Odd() {
  pxe::QuirkEffects odd;
  odd.option43 = pxe::QuirkOption43::kRaspberryPi;
  odd.loader = std::string(80, 'l');
  odd.nul = true;
  return odd;
}

// One of the answers, drawn by the input itself: each costs as much as all the parsing.
void CheckAnswers(const wire::DhcpMessage& request, unsigned draw) {
  static const pxe::QuirkTable table;
  static const pxe::QuirkEffects odd = Odd();
  static const pxe::QuirkEffects none;
  for (const auto port : {pxe::DhcpPort::kDhcp, pxe::DhcpPort::kBootServer}) {
    if (draw % 3 == 0) {
      const auto read = pxe::ReadBootRequest(request, port);
      if (const auto* boot = std::get_if<pxe::BootRequest>(&read))
        CheckAnswer(request, port, table.For(*boot), false);
    } else {
      CheckAnswer(request, port, draw % 3 == 1 ? odd : none, draw % 3 == 2);
    }
  }
  static_cast<void>(pxe::ChosenAddress(request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = wire::ParseDhcp(wire::Bytes(data, size));
  if (!message.ok()) return 0;
  const auto again = wire::ParseDhcp(wire::EmitDhcp(*message));
  TENTACLE_CHECK(again.ok());
  TENTACLE_CHECK(*again == Sendable(*message));
  CheckAnswers(*message, std::accumulate(data, data + size, 0u));
  return 0;
}
