// The answers, as text in tests/data/pxe/*.txt (UPDATE_GOLDEN=1 writes them), and where they go.
#include <cctype>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "services/pxe/core/proxy_dhcp.h"
#include "tests/support/golden.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

namespace option = wire::dhcp_option;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

constexpr std::uint32_t kUs = 0xc0a80a02;
constexpr Arrival kOn67{DhcpPort::kDhcp, kUs, 0, 68};
constexpr Arrival kOn4011{DhcpPort::kBootServer, kUs, 0xc0a80a65, 4011};

DhcpAnswer AnswerTo(const wire::DhcpMessage& request, const Arrival& arrival) {
  const auto boot = ReadBootRequest(request, arrival.port);
  EXPECT_TRUE(std::holds_alternative<BootRequest>(boot));
  return AnswerDhcp(request, std::get<BootRequest>(boot), arrival, BootUrls{9080});
}

std::string Value(wire::Bytes data) {
  std::string hex;
  bool text = !data.empty();
  for (const std::uint8_t octet : data) {
    hex += fmt::format("{:02x}", octet);
    text = text && std::isprint(octet) != 0;
  }
  return text && data.size() > 4 ? fmt::format("\"{}\"", std::string(data.begin(), data.end())) : hex;
}

// What is really on the wire: parsed again from the octets.
std::string Render(const DhcpAnswer& answer) {
  const wire::Buffer bytes = wire::EmitDhcp(answer.reply);
  const auto reply = wire::ParseDhcp(bytes);
  EXPECT_TRUE(reply.ok());
  std::string out = fmt::format("to {}:{}, {} octets\n", DottedQuad(answer.to_address), answer.to_port, bytes.size());
  out += fmt::format("op {} htype {} hlen {} hops {} xid {:08x} secs {} flags {:04x}\n",
                     static_cast<int>(reply->operation), reply->hardware_type, reply->hardware_length, reply->hops,
                     reply->transaction_id, reply->seconds, reply->flags);
  out += fmt::format("ciaddr {} yiaddr {} siaddr {} giaddr {}\n", DottedQuad(reply->client_address),
                     DottedQuad(reply->your_address), DottedQuad(reply->server_address),
                     DottedQuad(reply->gateway_address));
  out += fmt::format("chaddr {}\nsname {}\nfile {}\n", reply->mac()->ToString(), reply->server_name, reply->boot_file);
  for (const auto& one : reply->options) out += fmt::format("option {} {}\n", one.code, Value(one.data));
  return out;
}

TEST(ProxyDhcp, OfferToBios) { ExpectGolden("pxe/offer_bios.txt", Render(AnswerTo(Discover(0), kOn67))); }

TEST(ProxyDhcp, OfferToUefi) { ExpectGolden("pxe/offer_uefi.txt", Render(AnswerTo(Discover(7), kOn67))); }

TEST(ProxyDhcp, AckToUefiOn4011) { ExpectGolden("pxe/ack_uefi.txt", Render(AnswerTo(BootServerRequest(7), kOn4011))); }

TEST(ProxyDhcp, OfferToIpxeOnBios) { ExpectGolden("pxe/offer_ipxe_bios.txt", Render(AnswerTo(Ipxe(0), kOn67))); }

TEST(ProxyDhcp, OfferToIpxeOnUefi) { ExpectGolden("pxe/offer_ipxe_uefi.txt", Render(AnswerTo(Ipxe(7), kOn67))); }

TEST(ProxyDhcp, OfferToBiosBehindARelay) {
  wire::DhcpMessage request = Discover(0);
  request.hops = 1;
  request.gateway_address = 0x0a010001;
  request.Add(option::kRelayAgent, Octets({1, 4, 'e', 't', 'h', '7'}));
  ExpectGolden("pxe/offer_relayed.txt", Render(AnswerTo(request, kOn67)));
}

TEST(ProxyDhcp, NoAddressIsEverOffered) {
  for (const int arch : {0, 7, 9}) EXPECT_EQ(AnswerTo(Discover(arch), kOn67).reply.your_address, 0u);
}

TEST(ProxyDhcp, UefiGetsNoOption43SoThatItAsksOn4011) {
  EXPECT_FALSE(AnswerTo(Discover(7), kOn67).reply.Option(option::kVendorSpecific).has_value());
  EXPECT_FALSE(AnswerTo(Discover(9), kOn67).reply.Option(option::kVendorSpecific).has_value());
  EXPECT_TRUE(AnswerTo(Discover(0), kOn67).reply.Option(option::kVendorSpecific).has_value());
}

TEST(ProxyDhcp, AClientWithAnAddressIsAnsweredThere) {
  wire::DhcpMessage request = Discover(7);
  request.client_address = 0xc0a80a65;
  const DhcpAnswer answer = AnswerTo(request, kOn67);
  EXPECT_EQ(answer.to_address, 0xc0a80a65u);
  EXPECT_EQ(answer.to_port, 68);
  EXPECT_EQ(answer.reply.flags & wire::kDhcpBroadcastFlag, 0);
}

TEST(ProxyDhcp, Port4011AnswersToThePortItWasAskedFrom) {
  Arrival from_68 = kOn4011;
  from_68.from_port = 68;  // Intel's BIOS ROMs.
  EXPECT_EQ(AnswerTo(BootServerRequest(0), from_68).to_port, 68);
}

TEST(ProxyDhcp, MachineIdOfAnotherShapeIsLeftOut) {
  wire::DhcpMessage request = Discover(7);
  Drop(option::kClientMachineId, &request);
  EXPECT_FALSE(AnswerTo(request, kOn67).reply.Option(option::kClientMachineId).has_value());
  request.Add(option::kClientMachineId, Octets({1, 2, 3}));
  EXPECT_FALSE(AnswerTo(request, kOn67).reply.Option(option::kClientMachineId).has_value());
}

TEST(ProxyDhcp, TheScriptIsOfTheAddressThatWasReached) {
  Arrival other = kOn67;
  other.our_address = 0x0a010203;
  EXPECT_EQ(AnswerTo(Ipxe(0), other).reply.boot_file, "http://10.1.2.3:9080/boot.ipxe?mac=52:54:00:65:d5:42");
}

TEST(ProxyDhcp, TheLongestScriptUrlFitsIntoTheHeader) {
  EXPECT_LE(ScriptUrl(0xffffffff, 65535, kMac).size(), 127u);
}

}  // namespace
}  // namespace tentacle::pxe
