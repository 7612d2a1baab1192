// Both clients against real TLS servers: what is accepted, what is refused, and that nothing was
// said first.
#include <fmt/format.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/net/clock_floor.h"
#include "libs/net/http_client.h"
#include "libs/net/websocket.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace tentacle::net {
namespace {

namespace asio = boost::asio;
using ::tentacle::testing::Authority;
using ::tentacle::testing::Await;
using ::tentacle::testing::CertificateSpec;
using ::tentacle::testing::MakeKey;
using ::tentacle::testing::SelfSigned;
using ::tentacle::testing::ServerIdentity;
using ::tentacle::testing::TlsBehaviour;
using ::tentacle::testing::TlsServer;
using ::testing::HasSubstr;

constexpr char kBothNames[] = "DNS:localhost,IP:127.0.0.1";
const EnvironmentLookup kNoProxy = [](const std::string&) { return std::nullopt; };

asio::awaitable<absl::Status> Echo(std::string url, TlsOptions tls, WebSocketLimits limits) {
  const auto home = co_await asio::this_coro::executor;
  auto connected = co_await WebSocket::Connect(home, url, {}, tls, limits, kNoProxy);
  if (!connected.ok()) co_return connected.status();
  const absl::Status written = co_await (*connected)->Write("hello");
  if (!written.ok()) co_return written;
  const auto text = co_await (*connected)->Read();
  (*connected)->Close();
  if (!text.ok()) co_return text.status();
  co_return *text == "hello" ? absl::OkStatus() : absl::InternalError(*text);
}

enum class Client { kWebSocket, kFetch };

class TlsTest : public ::testing::TestWithParam<Client> {
 protected:
  void SetUp() override { std::ofstream(ca_file_) << authority_.Pem(); }

  absl::Status Try(const TlsServer& server,
                   const TlsOptions& tls,
                   const std::string& host = "localhost") {
    if (GetParam() == Client::kWebSocket) {
      asio::io_context io;
      WebSocketLimits limits;
      limits.handshake_timeout = timeout_;
      return Await(io, Echo(fmt::format("wss://{}:{}/ws", host, server.port()), tls, limits));
    }
    ClientRequest request;
    request.url = fmt::format("https://{}:{}/", host, server.port());
    request.tls = tls;
    request.environment = kNoProxy;
    request.connect_timeout = timeout_;
    const auto reply = Fetch(request);
    if (!reply.ok()) return reply.status();
    return reply->body == "hello" ? absl::OkStatus() : absl::InternalError(reply->body);
  }

  // Refused with a sentence that says so, and not a byte of ours was sent.
  void ExpectRefused(const ServerIdentity& identity,
                     const TlsOptions& tls,
                     const std::string& reason) {
    TlsServer server(identity);
    const absl::Status status = Try(server, tls);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
    server.AwaitEnded(1);
    EXPECT_EQ(server.application_bytes(), 0u);
  }

  TempDir dir_;
  Authority authority_;
  std::string ca_file_ = dir_ / "ca.pem";
  absl::Duration timeout_ = absl::Seconds(20);
};

TEST_P(TlsTest, PrivateAuthorityIsTrusted) {
  TlsServer server(authority_.Issue({.alternative_names = kBothNames}));
  EXPECT_TRUE(Try(server, {ca_file_, {}}).ok());
  EXPECT_EQ(server.server_name(), "localhost");
  EXPECT_GT(server.application_bytes(), 0u);
}

TEST_P(TlsTest, AddressInTheCertificateIsVerifiedAndNotSentAsAName) {
  TlsServer server(authority_.Issue({.alternative_names = kBothNames}));
  const absl::Status status = Try(server, {ca_file_, {}}, "127.0.0.1");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(server.server_name(), "");
}

TEST_P(TlsTest, AddressThatIsNotInTheCertificateIsRefused) {
  TlsServer server(authority_.Issue({.alternative_names = "DNS:localhost,DNS:127.0.0.1"}));
  const absl::Status status = Try(server, {ca_file_, {}}, "127.0.0.1");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
  server.AwaitEnded(1);
  EXPECT_EQ(server.application_bytes(), 0u);
}

TEST_P(TlsTest, PinOfTheServersKeyIsAccepted) {
  const ServerIdentity identity = authority_.Issue({.alternative_names = kBothNames});
  TlsServer server(identity);
  const absl::Status status = Try(server, {ca_file_, {identity.Pin(), SelfSigned({}).Pin()}});
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(TlsTest, BackupPinIsAcceptedAfterTheKeyChanged) {
  const ServerIdentity before = authority_.Issue({.alternative_names = kBothNames});
  const ServerIdentity after = authority_.Issue({.alternative_names = kBothNames}, MakeKey());
  TlsServer server(after);
  const absl::Status status = Try(server, {ca_file_, {before.Pin(), after.Pin()}});
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(TlsTest, PinSurvivesARenewedCertificateOfTheSameKey) {
  const ServerIdentity before = authority_.Issue({.alternative_names = kBothNames});
  TlsServer server(
      authority_.Issue({.alternative_names = kBothNames, .valid_to_days = 90}, before.key));
  const absl::Status status = Try(server, {ca_file_, {before.Pin(), SelfSigned({}).Pin()}});
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(TlsTest, WrongPinIsRefusedAndTheOneSeenIsNamed) {
  const ServerIdentity identity = authority_.Issue({.alternative_names = kBothNames});
  ExpectRefused(identity, {ca_file_, {SelfSigned({}).Pin(), SelfSigned({}).Pin()}},
                "its key has pin " + identity.Pin());
}

TEST_P(TlsTest, RightPinDoesNotExcuseAnUnknownAuthority) {
  const ServerIdentity identity = authority_.Issue({.alternative_names = kBothNames});
  ExpectRefused(identity, {"", {identity.Pin(), SelfSigned({}).Pin()}},
                "unable to get local issuer certificate");
}

TEST_P(TlsTest, RightPinDoesNotExcuseAWrongName) {
  const ServerIdentity identity = authority_.Issue({.alternative_names = "DNS:other.example"});
  ExpectRefused(identity, {ca_file_, {identity.Pin(), SelfSigned({}).Pin()}}, "hostname mismatch");
}

TEST_P(TlsTest, UnknownAuthorityIsRefused) {
  ExpectRefused(Authority().Issue({.alternative_names = kBothNames}), {ca_file_, {}},
                "certificate of localhost");
}

TEST_P(TlsTest, WrongNameIsRefused) {
  ExpectRefused(authority_.Issue({.alternative_names = "DNS:other.example"}), {ca_file_, {}},
                "hostname mismatch");
}

TEST_P(TlsTest, NameOutsideTheAlternativeNamesDoesNotCount) {
  ExpectRefused(authority_.Issue({.common_name = "localhost", .alternative_names = ""}),
                {ca_file_, {}}, "hostname mismatch");
}

TEST_P(TlsTest, ExpiredCertificateIsRefusedWithOurClock) {
  const CertificateSpec spec{
      .alternative_names = kBothNames, .valid_from_days = -10, .valid_to_days = -1};
  ExpectRefused(authority_.Issue(spec), {ca_file_, {}},
                "certificate has expired; this machine's clock says 2");
}

TEST_P(TlsTest, CertificateOfTomorrowIsRefusedWithOurClock) {
  const CertificateSpec spec{.alternative_names = kBothNames, .valid_from_days = 1};
  ExpectRefused(authority_.Issue(spec), {ca_file_, {}},
                "certificate is not yet valid; this machine's clock says 2");
}

// A box without a battery, just switched on.
TEST_P(TlsTest, ClockOf1970DoesNotCountBelowTheFloor) {
  const CertificateSpec spec{.alternative_names = kBothNames};
  const auto in_1970 = [] { return absl::UnixEpoch(); };
  TlsServer server(authority_.Issue(spec));
  EXPECT_EQ(
      Try(server, {.ca_file = ca_file_, .pins = {}, .clock_floor = absl::Now(), .now = in_1970}),
      absl::OkStatus());
  ExpectRefused(authority_.Issue(spec), {.ca_file = ca_file_, .pins = {}, .now = in_1970},
                "certificate is not yet valid; this machine's clock says 1970");
  // The floor is no excuse: what has expired by then has expired.
  ExpectRefused(authority_.Issue(
                    {.alternative_names = kBothNames, .valid_from_days = -10, .valid_to_days = -1}),
                {.ca_file = ca_file_, .pins = {}, .clock_floor = absl::Now(), .now = in_1970},
                "has expired");
}

TEST(ClockFloor, IsTheLaterOfTheProgramAndWhatWasSeen) {
  const TempDir dir;
  const absl::Time made = ClockFloor(dir.path());
  EXPECT_GT(made, absl::FromUnixSeconds(1'700'000'000));
  RememberGoodTime(dir.path(), made + absl::Hours(1000));
  EXPECT_EQ(ClockFloor(dir.path()), made + absl::Hours(1000));
  RememberGoodTime(dir.path(), absl::UnixEpoch());
  EXPECT_EQ(ClockFloor(dir.path()), made);
}

TEST_P(TlsTest, SelfSignedCertificateIsRefused) {
  ExpectRefused(SelfSigned({.alternative_names = kBothNames}), {ca_file_, {}},
                "self-signed certificate");
}

TEST_P(TlsTest, SelfSignedCertificateIsTrustedWhenItIsTheCaFile) {
  const ServerIdentity identity = SelfSigned({.alternative_names = kBothNames});
  std::ofstream(dir_ / "self.pem") << identity.CertificatePem();
  TlsServer server(identity);
  const absl::Status status = Try(server, {dir_ / "self.pem", {}});
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(TlsTest, MissingCaFileIsNamedBeforeAnythingElse) {
  TlsServer server(authority_.Issue({.alternative_names = kBothNames}));
  const absl::Status status = Try(server, {dir_ / "none.pem", {}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir_ / "none.pem"));
}

TEST_P(TlsTest, ServerWithoutTlsIsNamed) {
  TlsServer server(authority_.Issue({}), TlsBehaviour::kPlain);
  const absl::Status status = Try(server, {ca_file_, {}});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not speak TLS"));
}

TEST_P(TlsTest, LineThatBreaksInTheHandshakeIsUnavailable) {
  TlsServer server(authority_.Issue({}), TlsBehaviour::kCutHandshake);
  const absl::Status status = Try(server, {ca_file_, {}});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_P(TlsTest, ServerThatSpeaksOnlyTls11IsRefused) {
  TlsServer server(authority_.Issue({.alternative_names = kBothNames}), TlsBehaviour::kOnlyTls11);
  const absl::Status status = Try(server, {ca_file_, {}});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no TLS 1.2 or newer"));
  server.AwaitEnded(1);
  EXPECT_EQ(server.handshakes(), 0u);
}

TEST_P(TlsTest, SilentServerIsGivenUpInTime) {
  timeout_ = absl::Milliseconds(200);
  TlsServer server(authority_.Issue({}), TlsBehaviour::kSilent);
  const absl::Status status = Try(server, {ca_file_, {}});
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

INSTANTIATE_TEST_SUITE_P(Clients,
                         TlsTest,
                         ::testing::Values(Client::kWebSocket, Client::kFetch),
                         [](const ::testing::TestParamInfo<Client>& tested) {
                           return tested.param == Client::kWebSocket ? "WebSocket" : "Fetch";
                         });

}  // namespace
}  // namespace tentacle::net
