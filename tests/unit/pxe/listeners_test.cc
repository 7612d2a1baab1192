// The UDP listeners: DHCP with a socket made of a list, TFTP over loopback.
#include <net/if.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/wire/tftp.h"
#include "services/pxe/dhcp_listener.h"
#include "services/pxe/tftp_listener.h"
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
  absl::Status Send(std::span<const std::uint8_t> bytes, net::Ipv4Endpoint to, int interface_index,
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
  std::vector<Sent> Serve(DhcpPort port, std::vector<net::Datagram> datagrams,
                          std::vector<std::string> interfaces = {"lo"}) {
    std::vector<Sent> sent;
    LocalAddresses addresses(std::move(interfaces));
    DhcpListener listener(port, std::make_unique<ListSocket>(std::move(datagrams), &sent, send_status_), addresses,
                          world_.desk(), BootUrls{9080}, world_.clock, world_.log, *world_.metrics);
    EXPECT_TRUE(absl::IsUnavailable(world_.Await(listener.Run())));  // A broken socket ends it.
    return sent;
  }

  std::string Dropped(const std::string& reason) {
    return world_.Sample("tentacle_pxe_dhcp_drops_total{reason=\"" + reason + "\"}");
  }

  World world_;
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
  EXPECT_THAT(world_.events.Of("task.timeline"), ElementsAre("boot-server: x64 UEFI was offered ipxe.efi"));
}

TEST_F(DhcpListenerTest, ABootIsDetectedOnce) {
  Serve(DhcpPort::kDhcp, {From(Discover(7)), From(Discover(7)), From(Discover(7))});
  EXPECT_THAT(world_.events.Of("boot.detected"), SizeIs(1));
  EXPECT_THAT(world_.events.Of("task.timeline"), ElementsAre("offer: x64 UEFI was offered ipxe.efi"));
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
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(other), From(system), rubbish, From(Discover(6))}), IsEmpty());
  EXPECT_EQ(Dropped("not_ours"), "1");
  EXPECT_EQ(Dropped("not_pxe_client"), "1");
  EXPECT_EQ(Dropped("malformed"), "1");
  EXPECT_EQ(Dropped("unknown_firmware"), "1");
  EXPECT_THAT(world_.events.Of("boot.detected"), IsEmpty());
}

TEST_F(DhcpListenerTest, SwitchedOffItHearsButSaysNothing) {
  world_.desk().SetEnabled(false);
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}), IsEmpty());
  EXPECT_EQ(Dropped("disabled"), "1");
}

TEST_F(DhcpListenerTest, InterfacesThatAreNotServedAreForeign) {
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}, {"eth-absent"}), IsEmpty());
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}, {}), IsEmpty());  // Loopback only when named.
  EXPECT_EQ(Dropped("foreign_interface"), "2");
}

TEST_F(DhcpListenerTest, AnAnswerThatCannotBeSentIsCountedAndNoBoot) {
  send_status_ = absl::ResourceExhaustedError("socket buffer");
  EXPECT_THAT(Serve(DhcpPort::kDhcp, {From(Discover(7))}), IsEmpty());
  EXPECT_EQ(world_.Sample("tentacle_pxe_dhcp_send_failures_total"), "1");
  EXPECT_THAT(world_.events.Of("boot.detected"), IsEmpty());
}

// A TFTP client and the listener on one loop.
class TftpListenerTest : public ::testing::Test {
 protected:
  TftpListenerTest() {
    std::filesystem::create_directories(world_.temp.path() + "/boot");
    std::ofstream(world_.temp.path() + "/boot/ipxe.efi") << content_;
    net::DatagramOptions options;
    options.address = kLoopback;
    auto server = net::DatagramSocket::Open(world_.io.get_executor(), options);
    auto client = net::DatagramSocket::Open(world_.io.get_executor(), options);
    EXPECT_TRUE(server.ok() && client.ok());
    server_ = {kLoopback, (*server)->port()};
    listening_ = server->get();
    client_ = *std::move(client);
    listener_ = std::make_unique<TftpListener>(
        TftpListener::Parts{world_.io.get_executor(), world_.pool, world_.clock, world_.log, *world_.metrics,
                            world_.desk(), world_.temp.path() + "/boot", 8},
        *std::move(server));
  }

  struct Fetched {
    std::string content;
    std::vector<wire::TftpOptionList> oacks;
    std::optional<wire::TftpError> error;
  };

  asio::awaitable<Fetched> Fetch(wire::TftpRequest request, std::size_t block_bytes) {
    Fetched fetched;
    EXPECT_TRUE(client_->Send(wire::EmitTftp(request), server_, 0, 0).ok());
    for (;;) {
      const auto datagram = co_await client_->Receive();
      EXPECT_TRUE(datagram.ok());
      const auto packet = wire::ParseTftp(datagram->bytes);
      EXPECT_TRUE(packet.ok());
      if (const auto* error = std::get_if<wire::TftpError>(&*packet)) {
        fetched.error = *error;
        co_return fetched;
      }
      std::uint16_t block = 0;
      bool last = false;
      if (const auto* data = std::get_if<wire::TftpData>(&*packet)) {
        fetched.content.append(data->data.begin(), data->data.end());
        block = data->block;
        last = data->data.size() < block_bytes;
      } else {
        fetched.oacks.push_back(std::get<wire::TftpOack>(*packet).options);
      }
      EXPECT_TRUE(client_->Send(wire::EmitTftp(wire::TftpAck{block}), datagram->from, 0, 0).ok());
      if (last) co_return fetched;
    }
  }

  Fetched Run(wire::TftpRequest request, std::size_t block_bytes = 512) {
    auto run = listener_->Run();
    asio::co_spawn(world_.io, std::move(run), asio::detached);
    std::optional<Fetched> fetched;
    auto fetch = Fetch(std::move(request), block_bytes);
    asio::co_spawn(world_.io, World::Store(std::move(fetch), &fetched), asio::detached);
    world_.io.restart();
    while (!fetched) world_.io.run_one();
    listening_->Close();
    world_.io.run();  // The transfer ends with the last acknowledgement.
    return *std::move(fetched);
  }

  World world_;
  std::string content_ = std::string(3000, 'a') + std::string(3000, 'b');
  net::Ipv4Endpoint server_;
  net::DatagramSocket* listening_ = nullptr;
  std::unique_ptr<net::DatagramSocket> client_;
  std::unique_ptr<TftpListener> listener_;
};

TEST_F(TftpListenerTest, FileIsSentWhole) {
  const Fetched fetched = Run({false, "/ipxe.efi", "octet", {}});
  EXPECT_EQ(fetched.content, content_);
  EXPECT_THAT(fetched.oacks, IsEmpty());
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"complete\"}"), "1");
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_sessions"), "0");
}

TEST_F(TftpListenerTest, OptionsAreNegotiated) {
  const Fetched fetched = Run({false, "ipxe.efi", "octet", {{"blksize", "1432"}, {"tsize", "0"}}}, 1432);
  EXPECT_EQ(fetched.content, content_);
  EXPECT_THAT(fetched.oacks, ElementsAre(wire::TftpOptionList{{"blksize", "1432"}, {"tsize", "6000"}}));
}

TEST_F(TftpListenerTest, AbsentFileIsNotFoundAtOnce) {
  const Fetched fetched = Run({false, "autoexec.ipxe", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kFileNotFound);
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"not_found\"}"), "1");
}

TEST_F(TftpListenerTest, NothingOutsideTheFolderIsSent) {
  const Fetched fetched = Run({false, "../tasks/52-54-00-65-d5-42.json", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kAccessViolation);
}

TEST_F(TftpListenerTest, WritingIsRefused) {
  const Fetched fetched = Run({true, "ipxe.efi", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kAccessViolation);
}

}  // namespace
}  // namespace tentacle::pxe
