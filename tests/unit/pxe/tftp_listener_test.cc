// The TFTP listener over loopback.
#include "services/pxe/tftp_listener.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/wire/tftp.h"
#include "services/pxe/core/boot_files.h"
#include "tests/support/golden.h"
#include "tests/unit/pxe/fake_world.h"

namespace tentacle::pxe {
namespace {

namespace asio = boost::asio;
using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint32_t kLoopback = 0x7f000001;

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
        TftpListener::Parts{world_.io.get_executor(), world_.pool, world_.clock, world_.log,
                            *world_.metrics, world_.desk(), addresses_, memory_,
                            [this](const std::string&) { return mac_; }, shelf_, 8, 9080},
        *std::move(server));
    world_.Await(world_.desk().Replace(1, {Task("t1")}));
  }

  struct Fetched {
    std::string content;
    std::vector<wire::TftpOptionList> oacks;
    std::optional<wire::TftpError> error;
  };

  asio::awaitable<Fetched> Fetch(wire::TftpRequest request,
                                 std::size_t block_bytes,
                                 std::uint16_t window) {
    Fetched fetched;
    if (given_up_) {
      EXPECT_TRUE(client_->Send(wire::EmitTftp(*given_up_), server_, 0, 0).ok());
      const auto unanswered = co_await client_->Receive();
      EXPECT_TRUE(unanswered.ok());
    }
    EXPECT_TRUE(client_->Send(wire::EmitTftp(request), server_, 0, 0).ok());
    for (;;) {
      const auto datagram = co_await client_->Receive();
      EXPECT_TRUE(datagram.ok());
      const auto packet = wire::ParseTftp(datagram->bytes);
      EXPECT_TRUE(packet.ok());
      if (lost_ > 0) {
        --lost_;
        EXPECT_TRUE(client_->Send(wire::EmitTftp(request), server_, 0, 0).ok());
        continue;
      }
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
      if (block % window == 0 || last) {
        EXPECT_TRUE(client_->Send(wire::EmitTftp(wire::TftpAck{block}), datagram->from, 0, 0).ok());
      }
      if (last) co_return fetched;
    }
  }

  Fetched Run(wire::TftpRequest request, std::size_t block_bytes = 512, std::uint16_t window = 1) {
    auto run = listener_->Run();
    asio::co_spawn(world_.io, std::move(run), asio::detached);
    std::optional<Fetched> fetched;
    auto fetch = Fetch(std::move(request), block_bytes, window);
    asio::co_spawn(world_.io, World::Store(std::move(fetch), &fetched), asio::detached);
    world_.io.restart();
    // The server ends a transfer with the last acknowledgement, which is on its way when the client
    // is done.
    while (!fetched || world_.Sample("tentacle_pxe_tftp_sessions") == "1")
      world_.io.run_one();
    listening_->Close();
    world_.io.run();
    return *std::move(fetched);
  }

  World world_;
  LocalAddresses addresses_{{"lo"}};
  ClientMemory memory_;
  BootShelf shelf_{world_.temp.path() + "/boot"};
  std::optional<wire::MacAddress> mac_ = kMac;
  std::optional<wire::TftpRequest> given_up_;  // Asked for first, and its answer not acknowledged.
  int lost_ = 0;  // So many of the first packets do not arrive, and the client asks again.
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

// Bar C5, and what makes up for it: a client without options that lost its first block asks again.
TEST_F(TftpListenerTest, ARepeatedRequestBringsItsBlockAgain) {
  lost_ = 2;
  const Fetched fetched = Run({false, "ipxe.efi", "octet", {}});
  EXPECT_EQ(fetched.content, content_);
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"repeated\"}"), "2");
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"complete\"}"), "1");
}

TEST_F(TftpListenerTest, ARequestForAnotherFileFromTheSamePortTakesThePlaceOfOneGivenUp) {
  std::ofstream(world_.temp.path() + "/boot/snponly.efi") << std::string(2000, 'c');
  given_up_ = {false, "snponly.efi", "octet", {}};
  const Fetched fetched = Run({false, "ipxe.efi", "octet", {}});
  EXPECT_EQ(fetched.content, content_);
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"aborted\"}"), "1");
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"complete\"}"), "1");
}

TEST_F(TftpListenerTest, OptionsAreNegotiated) {
  const Fetched fetched =
      Run({false, "ipxe.efi", "octet", {{"blksize", "1432"}, {"tsize", "0"}}}, 1432);
  EXPECT_EQ(fetched.content, content_);
  EXPECT_THAT(fetched.oacks,
              ElementsAre(wire::TftpOptionList{{"blksize", "1432"}, {"tsize", "6000"}}));
}

TEST_F(TftpListenerTest, AbsentFileIsNotFoundAtOnce) {
  const Fetched fetched = Run({false, "snponly.efi", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kFileNotFound);
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"not_found\"}"), "1");
}

TEST_F(TftpListenerTest, NothingOutsideTheFolderIsSent) {
  const Fetched fetched = Run({false, "../tasks/52-54-00-65-d5-42.json", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kAccessViolation);
}

TEST_F(TftpListenerTest, AWindowIsNegotiatedAndSent) {
  const Fetched fetched =
      Run({false, "ipxe.efi", "octet", {{"blksize", "512"}, {"windowsize", "4"}}}, 512, 4);
  EXPECT_EQ(fetched.content, content_);
  EXPECT_THAT(fetched.oacks,
              ElementsAre(wire::TftpOptionList{{"blksize", "512"}, {"windowsize", "4"}}));
}

TEST_F(TftpListenerTest, AFileIsFoundByItsLastNameAsShimAsksForIt) {
  for (const char* name : {"\\EFI\\BOOT\\ipxe.efi", "//ipxe.efi", "secureboot//ipxe.efi"}) {
    EXPECT_EQ(shelf_.Read(*SafeBootPath(name)).value()->size(), content_.size()) << name;
  }
}

TEST_F(TftpListenerTest, AutoexecIsMadeForTheMachineThatAsks) {
  const Fetched fetched = Run({false, "/autoexec.ipxe", "octet", {}});
  ExpectGolden("pxe/autoexec.ipxe", fetched.content);
}

TEST_F(TftpListenerTest, AMachineWithoutATaskGetsNothing) {
  mac_ = kOtherMac;
  const Fetched fetched = Run({false, "ipxe.efi", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kAccessViolation);
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"not_ours\"}"), "1");
}

TEST_F(TftpListenerTest, AnAddressOfNoMachineGetsNothing) {
  mac_ = std::nullopt;
  const Fetched fetched = Run({false, "ipxe.efi", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(world_.Sample("tentacle_pxe_tftp_transfers_total{outcome=\"unknown_machine\"}"), "1");
}

TEST_F(TftpListenerTest, AMachineIsKnownByTheAddressThatItTookByDhcp) {
  mac_ = std::nullopt;
  memory_.Answered(kMac, {}, world_.clock.now);
  memory_.Bound(kMac, kLoopback);
  EXPECT_EQ(Run({false, "ipxe.efi", "octet", {}}).content, content_);
}

TEST_F(TftpListenerTest, ALinkThatLeadsOutIsNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", world_.temp.path() + "/boot/link");
  std::filesystem::create_symlink("/etc", world_.temp.path() + "/boot/folder");
  EXPECT_FALSE(shelf_.Read("link").ok());
  EXPECT_FALSE(shelf_.Read("folder/passwd").ok());
  EXPECT_EQ(shelf_.Read("ipxe.efi").value()->size(), content_.size());
}

TEST_F(TftpListenerTest, TransfersOfOneFileShareItsContentUntilItChanges) {
  const auto one = shelf_.Read("ipxe.efi").value();
  EXPECT_EQ(shelf_.Read("ipxe.efi").value(), one);
  std::ofstream(world_.temp.path() + "/boot/ipxe.efi") << "other";
  EXPECT_EQ(*shelf_.Read("ipxe.efi").value(), "other");
}

TEST_F(TftpListenerTest, WritingIsRefused) {
  const Fetched fetched = Run({true, "ipxe.efi", "octet", {}});
  ASSERT_TRUE(fetched.error.has_value());
  EXPECT_EQ(fetched.error->code, wire::TftpErrorCode::kAccessViolation);
}

}  // namespace
}  // namespace tentacle::pxe
