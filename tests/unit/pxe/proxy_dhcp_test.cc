// The answers, as text in tests/data/pxe/*.txt (UPDATE_GOLDEN=1 writes them), and where they go.
#include "services/pxe/core/proxy_dhcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

namespace option = wire::dhcp_option;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

constexpr std::uint32_t kUs = 0xc0a80a02;
constexpr Arrival kOn67{DhcpPort::kDhcp, kUs, 0, 68};
constexpr Arrival kOn4011{DhcpPort::kBootServer, kUs, 0xc0a80a65, 4011};

DhcpAnswer AnswerTo(const wire::DhcpMessage& request, const Arrival& arrival, bool script = false) {
  const auto read = ReadBootRequest(request, arrival.port);
  EXPECT_TRUE(std::holds_alternative<BootRequest>(read));
  const auto& boot = std::get<BootRequest>(read);
  const auto choice = ChooseBoot(boot, arrival, BootUrls{9080}, QuirkTable().For(boot), script);
  EXPECT_TRUE(std::holds_alternative<BootChoice>(choice));
  return AnswerDhcp(request, boot, arrival, std::get<BootChoice>(choice));
}

std::string Value(wire::Bytes data) {
  std::string hex;
  bool text = !data.empty();
  for (const std::uint8_t octet : data) {
    hex += fmt::format("{:02x}", octet);
    text = text && std::isprint(octet) != 0;
  }
  return text && data.size() > 4 ? fmt::format("\"{}\"", std::string(data.begin(), data.end()))
                                 : hex;
}

// What is really on the wire: parsed again from the octets.
std::string Render(const DhcpAnswer& answer) {
  const wire::Buffer bytes = wire::EmitDhcp(answer.reply);
  const auto reply = wire::ParseDhcp(bytes);
  EXPECT_TRUE(reply.ok());
  std::string out = fmt::format("to {}:{}, {} octets\n", DottedQuad(answer.to_address),
                                answer.to_port, bytes.size());
  out +=
      fmt::format("op {} htype {} hlen {} hops {} xid {:08x} secs {} flags {:04x}\n",
                  static_cast<int>(reply->operation), reply->hardware_type, reply->hardware_length,
                  reply->hops, reply->transaction_id, reply->seconds, reply->flags);
  out += fmt::format("ciaddr {} yiaddr {} siaddr {} giaddr {}\n", DottedQuad(reply->client_address),
                     DottedQuad(reply->your_address), DottedQuad(reply->server_address),
                     DottedQuad(reply->gateway_address));
  out += fmt::format("chaddr {}\nsname {}\nfile {}\n", reply->mac()->ToString(), reply->server_name,
                     reply->boot_file);
  for (const auto& one : reply->options)
    out += fmt::format("option {} {}\n", one.code, Value(one.data));
  return out;
}

TEST(ProxyDhcp, OfferToBios) {
  ExpectGolden("pxe/offer_bios.txt", Render(AnswerTo(Discover(0), kOn67)));
}

TEST(ProxyDhcp, OfferToUefi) {
  ExpectGolden("pxe/offer_uefi.txt", Render(AnswerTo(Discover(7), kOn67)));
}

TEST(ProxyDhcp, AckToUefiOn4011) {
  ExpectGolden("pxe/ack_uefi.txt", Render(AnswerTo(BootServerRequest(7), kOn4011)));
}

TEST(ProxyDhcp, OfferToIpxeOnBios) {
  ExpectGolden("pxe/offer_ipxe_bios.txt", Render(AnswerTo(Ipxe(0), kOn67)));
}

TEST(ProxyDhcp, OfferToIpxeOnUefi) {
  ExpectGolden("pxe/offer_ipxe_uefi.txt", Render(AnswerTo(Ipxe(7), kOn67)));
}

TEST(ProxyDhcp, OfferToUefiHttp) {
  ExpectGolden("pxe/offer_http.txt", Render(AnswerTo(HttpDiscover(16), kOn67)));
}

TEST(ProxyDhcp, OfferToARaspberryPi4ThatCallsItselfBios) {
  wire::DhcpMessage request = Discover(0);
  Drop(option::kClientMachineId, &request);
  request.Add(option::kClientMachineId,
              Octets({0, 'R', 'P', 'i', '4', 0x14, 0x31, 0xc0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
  ExpectGolden("pxe/offer_raspberry_pi.txt", Render(AnswerTo(request, kOn67)));
}

TEST(ProxyDhcp, EachArchitectureHasItsLoader) {
  std::string out;
  for (const ClientArch& arch : KnownArchs()) {
    if (arch.firmware == Firmware::kOther) continue;
    const wire::DhcpMessage request = arch.http ? HttpDiscover(arch.number) : Discover(arch.number);
    const DhcpAnswer answer = AnswerTo(request, kOn67);
    out += fmt::format("{:>2} {}: {}\n", arch.number, arch.name, answer.reply.boot_file);
    EXPECT_EQ(wire::ParseDhcp(wire::EmitDhcp(answer.reply))->boot_file, answer.reply.boot_file);
  }
  ExpectGolden("pxe/loaders.txt", out);
}

TEST(ProxyDhcp, WhoGoesRoundInACircleIsGivenTheScript) {
  EXPECT_EQ(AnswerTo(Discover(7), kOn67, true).reply.boot_file,
            "http://192.168.10.2:9080/"
            "boot.ipxe?mac=52:54:00:65:d5:42&uuid=${uuid}&serial=${serial:uristring}");
}

TEST(ProxyDhcp, Option150IsForThoseWhoAskForIt) {
  EXPECT_FALSE(AnswerTo(Discover(0), kOn67).reply.Option(option::kTftpServerAddress).has_value());
  wire::DhcpMessage request = Discover(0);
  request.Add(option::kParameterList, Octets({1, 3, 66, 67, 150}));
  const DhcpAnswer answer = AnswerTo(request, kOn67);
  EXPECT_EQ(wire::Reader(*answer.reply.Option(option::kTftpServerAddress)).U32(), kUs);
}

TEST(ProxyDhcp, Option67IsTheLast) {
  for (const int arch : {0, 7, 11}) {
    EXPECT_EQ(AnswerTo(Discover(arch), kOn67).reply.options.back().code, option::kBootfileName);
  }
}

TEST(ProxyDhcp, WhatDoesNotFitTheClientsBufferGoesAndTheHeaderSaysIt) {
  wire::DhcpMessage request = Discover(0);
  request.gateway_address = 0x0a010001;
  request.Add(option::kRelayAgent, wire::Buffer(250, 'x'));
  const DhcpAnswer answer = AnswerTo(request, kOn67);
  EXPECT_LE(wire::EmitDhcp(answer.reply).size(), 576u - 28u);
  EXPECT_EQ(answer.reply.boot_file, kBiosLoader);
  EXPECT_TRUE(answer.reply.Option(option::kRelayAgent).has_value());
  EXPECT_TRUE(answer.reply.Option(option::kServerId).has_value());
  request.Add(option::kMaxMessageSize, Octets({0x05, 0xc0}));
  EXPECT_TRUE(AnswerTo(request, kOn67).reply.Option(option::kBootfileName).has_value());
}

// B3: nothing in an answer comes from anywhere but the request and what is said here.
TEST(ProxyDhcp, NoOctetOfAnAnswerIsLeftToChance) {
  for (const int arch : {0, 7, 41}) {
    const wire::Buffer once = wire::EmitDhcp(AnswerTo(Discover(arch), kOn67).reply);
    wire::Buffer dirt(4096, 0xa5);  // What a buffer of the allocator may hold by now.
    dirt.clear();
    dirt.shrink_to_fit();
    EXPECT_EQ(wire::EmitDhcp(AnswerTo(Discover(arch), kOn67).reply), once);
    EXPECT_EQ(std::count(once.begin(), once.end(), 0xa5), 0);
  }
}

TEST(ProxyDhcp, AddressesAsText) {
  EXPECT_EQ(ParseDottedQuad("10.1.2.255"), 0x0a0102ffu);
  EXPECT_EQ(ParseDottedQuad(DottedQuad(0xc0a80a02)), 0xc0a80a02u);
  for (const char* text :
       {"", "10", "10.1.2", "10.1.2.256", "10.1.2.3.", "10.1.2.3 ", "::1", "10..2.3"}) {
    EXPECT_EQ(ParseDottedQuad(text), std::nullopt) << text;
  }
}

TEST(ProxyDhcp, EveryTruncationOfEveryAnswerIsRefusedOrReadAsFarAsItGoes) {
  for (const wire::DhcpMessage& request :
       {Discover(0), Discover(7), HttpDiscover(16), Ipxe(0), Discover(41)}) {
    const wire::Buffer whole = wire::EmitDhcp(AnswerTo(request, kOn67).reply);
    const auto all = wire::ParseDhcp(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto part = wire::ParseDhcp(wire::Bytes(whole).first(size));
      if (!part.ok()) continue;
      ASSERT_GE(size, 240u);
      ASSERT_LE(part->options.size(), all->options.size());
      for (std::size_t i = 0; i < part->options.size(); ++i)
        EXPECT_EQ(part->options[i], all->options[i]) << size;
    }
  }
}

TEST(ProxyDhcp, OfferToBiosBehindARelay) {
  wire::DhcpMessage request = Discover(0);
  request.hops = 1;
  request.gateway_address = 0x0a010001;
  request.Add(option::kRelayAgent, Octets({1, 4, 'e', 't', 'h', '7'}));
  ExpectGolden("pxe/offer_relayed.txt", Render(AnswerTo(request, kOn67)));
}

TEST(ProxyDhcp, NoAddressIsEverOffered) {
  for (const int arch : {0, 7, 9})
    EXPECT_EQ(AnswerTo(Discover(arch), kOn67).reply.your_address, 0u);
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
  EXPECT_EQ(AnswerTo(Ipxe(0), other).reply.boot_file,
            "http://10.1.2.3:9080/"
            "boot.ipxe?mac=52:54:00:65:d5:42&uuid=${uuid}&serial=${serial:uristring}");
}

TEST(ProxyDhcp, TheLongestScriptUrlFitsIntoTheHeader) {
  EXPECT_LE(ScriptUrl(0xffffffff, 65535, kMac).size(), 127u);
}

}  // namespace
}  // namespace tentacle::pxe
