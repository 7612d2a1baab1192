// The DHCP listener, with a socket made of a list.
#include "services/pxe/dhcp_listener.h"

#include <net/if.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/pxe/limits.h"
#include "tests/support/env_number.h"
#include "tests/unit/pxe/fake_world.h"

namespace tentacle::pxe {
namespace {

namespace asio = boost::asio;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kLoopback = 0x7f000001;

struct Sent {
  wire::DhcpMessage message;
  net::Ipv4Endpoint to;
  int interface_index;
  std::uint32_t from;
};

// Hands out what it was given and breaks then.
class ListSocket final : public net::DatagramSocket {
 public:
  ListSocket(std::vector<net::Datagram> incoming, std::vector<Sent>* sent, absl::Status send_status)
      : incoming_(std::move(incoming)), sent_(sent), send_status_(std::move(send_status)) {}

  asio::awaitable<absl::StatusOr<net::Datagram>> Receive() override {
    if (at_ == incoming_.size()) co_return absl::UnavailableError("no more");
    co_return incoming_[at_++];
  }

  absl::Status Send(std::span<const std::uint8_t> bytes,
                    net::Ipv4Endpoint to,
                    int interface_index,
                    std::uint32_t from) override {
    const auto message = wire::ParseDhcp(bytes);
    EXPECT_TRUE(message.ok());
    if (send_status_.ok()) sent_->push_back({*message, to, interface_index, from});
    return send_status_;
  }

  std::uint16_t port() const override { return 67; }

  void Close() override {}

 private:
  std::vector<net::Datagram> incoming_;
  std::size_t at_ = 0;
  std::vector<Sent>* sent_;
  absl::Status send_status_;
};

class DhcpListenerTest : public ::testing::Test {
 protected:
  DhcpListenerTest() {
    loopback_ = static_cast<int>(::if_nametoindex("lo"));
    world_.Await(world_.desk().Replace(1, {Task("t1")}));
  }

  net::Datagram From(const wire::DhcpMessage& message) const {
    return {wire::EmitDhcp(message), {0, 68}, 0xffffffff, loopback_};
  }

  // Serves `datagrams` on `port`; `lo` is served because it is named.
  std::vector<Sent> Serve(DhcpPort port,
                          std::vector<net::Datagram> datagrams,
                          std::vector<std::string> interfaces = {"lo"}) {
    std::vector<Sent> sent;
    LocalAddresses addresses(std::move(interfaces));
    DhcpListener::Parts parts{world_.io.get_executor(),
                              addresses,
                              world_.desk(),
                              attempts_,
                              quirks_,
                              memory_,
                              [this](const std::string& file) { return file != missing_; },
                              BootUrls{9080},
                              world_.clock,
                              world_.log,
                              *world_.metrics};
    DhcpListener listener(port,
                          std::make_unique<ListSocket>(std::move(datagrams), &sent, send_status_),
                          std::move(parts));
    EXPECT_TRUE(absl::IsUnavailable(world_.Await(listener.Run())));  // A broken socket ends it.
    return sent;
  }

  std::string Dropped(const std::string& reason) {
    return world_.Sample("tentacle_pxe_dhcp_drops_total{reason=\"" + reason + "\"}");
  }

  World world_;
  BootAttempts attempts_{world_.clock, world_.log, world_.events, *world_.metrics};
  QuirkTable quirks_;
  ClientMemory memory_;
  std::string missing_;
  absl::Status send_status_;
  int loopback_ = 0;
};

TEST_F(DhcpListenerTest, DiscoverIsOfferedFromTheInterfaceItCameInOn) {
  const auto sent = Serve(DhcpPort::kDhcp, {From(Discover(7))});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].interface_index, loopback_);
  EXPECT_EQ(sent[0].from, kLoopback);
  EXPECT_EQ(sent[0].message.server_address, kLoopback);
  EXPECT_EQ(sent[0].to, (net::Ipv4Endpoint{0xffffffff, 68}));
  EXPECT_EQ(world_.Sample("tentacle_pxe_dhcp_answers_total{kind=\"offer\"}"), "1");
}

TEST_F(DhcpListenerTest, Port4011IsAcknowledged) {
  const auto sent = Serve(DhcpPort::kBootServer, {From(BootServerRequest(7))});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].message.type(), wire::DhcpType::kAck);
  EXPECT_THAT(world_.events.Of("task.timeline"),
              ElementsAre("boot-server: x64 UEFI was offered ipxe.efi"));
}

TEST_F(DhcpListenerTest, ABootIsDetectedOnce) {
  Serve(DhcpPort::kDhcp, {From(Discover(7)), From(Discover(7)), From(Discover(7))});
  EXPECT_THAT(world_.events.Of("boot.detected"), SizeIs(1));
  EXPECT_THAT(world_.events.Of("task.timeline"),
              ElementsAre("offer: x64 UEFI was offered ipxe.efi"));
  world_.clock.now += absl::Minutes(2);
  Serve(DhcpPort::kDhcp, {From(Discover(7))});
  EXPECT_THAT(world_.events.Of("boot.detected"), SizeIs(2));
}

TEST_F(DhcpListenerTest, EveryoneElseHearsNothing) {
  wire::DhcpMessage other = Discover(7);
  other.hardware_address[5] = 0x43;
  wire::DhcpMessage system = Discover(7);
  Drop(wire::dhcp_option::kVendorClass, &system);
  Drop(wire::dhcp_option::kClientArch, &system);
  net::Datagram rubbish = From(Discover(7));
  rubbish.bytes.resize(100);
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(other), From(system), rubbish, From(Discover(27))}),
              IsEmpty());
  EXPECT_EQ(Dropped("not_ours"), "1");
  EXPECT_EQ(Dropped("not_pxe_client"), "1");
  EXPECT_EQ(Dropped("malformed"), "1");
  EXPECT_EQ(Dropped("unknown_firmware"), "1");
}

// B2: silence, packet by packet.
// A hundred thousand with TENTACLE_TEST_PACKETS=100000.
TEST_F(DhcpListenerTest, ThousandsOfOthersHearNothing) {
  const auto packets = static_cast<std::size_t>(EnvNumber("TENTACLE_TEST_PACKETS", 6500));
  std::vector<wire::DhcpMessage> others;
  wire::DhcpMessage message = Discover(7);
  message.hardware_address[5] = 0x43;
  others.push_back(message);
  for (const int type : {2, 3, 4, 5, 6, 7, 8, 9, 0}) {
    others.push_back(Discover(7));
    others.back().options.front().data = Octets({type});
  }
  others.push_back(Discover(7));
  others.back().hardware_type = 6;
  others.push_back(Discover(7));
  others.back().hops = 17;
  others.push_back(Discover(7));
  others.back().operation = wire::DhcpOperation::kReply;
  std::vector<net::Datagram> datagrams;
  for (std::size_t i = 0; i < packets; ++i)
    datagrams.push_back(From(others[i % others.size()]));
  EXPECT_THAT(Serve(DhcpPort::kDhcp, std::move(datagrams)), IsEmpty());
  EXPECT_EQ(Dropped("too_many_hops"), std::to_string(packets / others.size()));
}

TEST_F(DhcpListenerTest, AnUnknownMachineIsReportedOnceAMinuteWithWhatItSays) {
  wire::DhcpMessage other = Discover(7);
  other.hardware_address[5] = 0x43;
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(other), From(other)}), IsEmpty());
  ASSERT_THAT(world_.events.Of("boot.detected"), SizeIs(1));
  const std::string body = world_.events.Of("boot.detected").front();
  for (const char* part :
       {"\"mac\":\"52:54:00:65:d5:43\"", "\"unanswered\":\"not_ours\"", "\"arch\":\"x64 UEFI\"",
        "\"vendorClass\":\"PXEClient:Arch:00007:UNDI:003016\"", "\"interfaceVersion\":\"3.16\"",
        "\"machineId\":\"04030201-0605-0807-090a-0b0c0d0e0f10\""}) {
    EXPECT_NE(body.find(part), std::string::npos) << part << " in " << body;
  }
  EXPECT_EQ(body.find("taskId"), std::string::npos);
  world_.clock.now += absl::Seconds(61);
  Serve(DhcpPort::kDhcp, {From(other)});
  EXPECT_THAT(world_.events.Of("boot.detected"), SizeIs(2));
}

TEST_F(DhcpListenerTest, InventedMachinesAreReportedUpToALimit) {
  std::vector<net::Datagram> datagrams;
  for (int i = 0; i < 1000; ++i) {
    wire::DhcpMessage other = Discover(7);
    other.hardware_address[0] = 0x02;
    other.hardware_address[4] = static_cast<std::uint8_t>(i >> 8);
    other.hardware_address[5] = static_cast<std::uint8_t>(i & 0xff);
    datagrams.push_back(From(other));
  }
  Serve(DhcpPort::kDhcp, std::move(datagrams));
  EXPECT_THAT(world_.events.Of("boot.detected"), SizeIs(limits::kAttemptsPerMinute));
  EXPECT_EQ(world_.Sample("tentacle_pxe_boot_attempts_total{outcome=\"too_many\"}"),
            std::to_string(1000 - limits::kAttemptsPerMinute));
}

TEST_F(DhcpListenerTest, ALoaderThatIsNotThereIsNotOffered) {
  missing_ = "arm64-efi/ipxe.efi";
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(11))}), IsEmpty());
  EXPECT_EQ(Dropped("no_loader"), "1");
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}), SizeIs(1));
}

TEST_F(DhcpListenerTest, AQuirkDelaysTheOffer) {
  ASSERT_TRUE(quirks_.Configure({"name=slow arch=7 delay_ms=1"}).ok());
  std::vector<Sent> sent;
  LocalAddresses addresses({"lo"});
  DhcpListener::Parts parts{world_.io.get_executor(),
                            addresses,
                            world_.desk(),
                            attempts_,
                            quirks_,
                            memory_,
                            [](const std::string&) { return true; },
                            BootUrls{9080},
                            world_.clock,
                            world_.log,
                            *world_.metrics};
  DhcpListener listener(
      DhcpPort::kDhcp,
      std::make_unique<ListSocket>(std::vector{From(Discover(7)), From(Discover(0))}, &sent,
                                   absl::OkStatus()),
      std::move(parts));
  EXPECT_TRUE(absl::IsUnavailable(world_.Await(listener.Run())));
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].message.boot_file, "undionly.kpxe");  // Asked later, answered first.
  EXPECT_EQ(sent[1].message.boot_file, "ipxe.efi");
}

TEST_F(DhcpListenerTest, ARelayedRequestIsAnsweredToTheRelay) {
  wire::DhcpMessage request = Discover(7);
  request.gateway_address = 0x0a010001;
  request.hops = 1;
  request.Add(wire::dhcp_option::kRelayAgent, Octets({1, 2, 'e', '1'}));
  const auto sent = Serve(DhcpPort::kDhcp, {From(request)});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].to, (net::Ipv4Endpoint{0x0a010001, 67}));
  EXPECT_TRUE(sent[0].message.Option(wire::dhcp_option::kRelayAgent).has_value());
  EXPECT_TRUE(memory_.RelaysAreServed(world_.clock.now));
}

TEST_F(DhcpListenerTest, TheAddressThatAMachineTakesIsRemembered) {
  wire::DhcpMessage request = Discover(7);
  request.options.front().data = Octets({3});
  request.Add(wire::dhcp_option::kRequestedAddress, Octets({10, 0, 0, 9}));
  Serve(DhcpPort::kDhcp, {From(request)});
  EXPECT_EQ(memory_.MacAt(0x0a000009), std::nullopt);  // Of no machine of ours.
  Serve(DhcpPort::kDhcp, {From(Discover(7)), From(request)});
  EXPECT_EQ(memory_.MacAt(0x0a000009), kMac);
}

TEST_F(DhcpListenerTest, AMachineThatGoesRoundIsGivenItsScript) {
  world_.desk().loops().LoaderSent(kMac, world_.clock.now);
  world_.desk().loops().LoaderSent(kMac, world_.clock.now);
  auto sent = Serve(DhcpPort::kDhcp, {From(Discover(7))});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].message.boot_file.starts_with("http://127.0.0.1:9080/boot.ipxe"));
  // As soon as it says that it is iPXE it is a machine like any other.
  Serve(DhcpPort::kDhcp, {From(Ipxe(7))});
  sent = Serve(DhcpPort::kDhcp, {From(Discover(7))});
  EXPECT_EQ(sent[0].message.boot_file, "ipxe.efi");
}

TEST_F(DhcpListenerTest, AMachineWithAnotherTaskOrItsScriptDoesNotGoRound) {
  const auto goes_round = [this] {
    world_.desk().loops().LoaderSent(kMac, world_.clock.now);
    world_.desk().loops().LoaderSent(kMac, world_.clock.now);
    return Serve(DhcpPort::kDhcp, {From(Discover(7))})[0].message.boot_file != "ipxe.efi";
  };
  ASSERT_TRUE(goes_round());
  world_.Await(world_.desk().Replace(2, {Task("t2")}));
  EXPECT_EQ(Serve(DhcpPort::kDhcp, {From(Discover(7))})[0].message.boot_file, "ipxe.efi");

  ASSERT_TRUE(goes_round());
  ScriptRequest request;
  request.mac = kMac;
  request.boots = true;
  ASSERT_TRUE(world_.Await(world_.desk().Script(request)).has_value());
  EXPECT_EQ(Serve(DhcpPort::kDhcp, {From(Discover(7))})[0].message.boot_file, "ipxe.efi");

  // Who only looks at the script changes nothing.
  ASSERT_TRUE(goes_round());
  request.boots = false;
  ASSERT_TRUE(world_.Await(world_.desk().Script(request)).has_value());
  EXPECT_NE(Serve(DhcpPort::kDhcp, {From(Discover(7))})[0].message.boot_file, "ipxe.efi");
}

TEST_F(DhcpListenerTest, LoadersThatAreFarApartAreNoCircle) {
  world_.desk().loops().LoaderSent(kMac, world_.clock.now);
  world_.clock.now += limits::kLoaderLoopWindow + absl::Seconds(1);
  world_.desk().loops().LoaderSent(kMac, world_.clock.now);
  EXPECT_EQ(Serve(DhcpPort::kDhcp, {From(Discover(7))})[0].message.boot_file, "ipxe.efi");
}

TEST_F(DhcpListenerTest, SwitchedOffItHearsButSaysNothing) {
  world_.desk().SetEnabled(false);
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}), IsEmpty());
  EXPECT_EQ(Dropped("disabled"), "1");
}

TEST_F(DhcpListenerTest, InterfacesThatAreNotServedAreForeign) {
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}, {"eth-absent"}), IsEmpty());
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}, {}),
              IsEmpty());  // Loopback only when named.
  EXPECT_EQ(Dropped("foreign_interface"), "2");
}

TEST_F(DhcpListenerTest, AnAnswerThatCannotBeSentIsCountedAndNoBoot) {
  send_status_ = absl::ResourceExhaustedError("socket buffer");
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}), IsEmpty());
  EXPECT_EQ(world_.Sample("tentacle_pxe_dhcp_send_failures_total"), "1");
  EXPECT_THAT(world_.events.Of("boot.detected"), IsEmpty());
}

}  // namespace
}  // namespace tentacle::pxe
