// Both clients through a real CONNECT proxy, and what a proxy can do to them.
#include <fmt/format.h>

#include <array>
#include <fstream>
#include <mutex>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/net/http_client.h"
#include "libs/net/websocket.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace tentacle::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::tentacle::testing::Authority;
using ::tentacle::testing::Await;
using ::tentacle::testing::TcpServer;
using ::tentacle::testing::TlsServer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kEstablished[] = "HTTP/1.1 200 Connection established\r\n\r\n";

// Answers each request with `answer`; after a 200 to a CONNECT it forwards to
// 127.0.0.1:`target_port`.
class ConnectProxy {
 public:
  ConnectProxy(std::uint16_t target_port, std::string answer)
      : target_port_(target_port),
        answer_(std::move(answer)),
        server_([this](tcp::socket socket) { return Serve(std::move(socket)); }) {}

  std::uint16_t port() const { return server_.port(); }

  // The heads of all requests.
  std::string requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  asio::awaitable<void> Serve(tcp::socket near) {
    std::string head;
    const auto [error, size] =
        co_await asio::async_read_until(near, asio::dynamic_buffer(head), "\r\n\r\n", kTuple);
    if (error) co_return;
    {
      const std::lock_guard lock(mutex_);
      requests_ += head;
    }
    co_await asio::async_write(near, asio::buffer(answer_), kTuple);
    if (answer_ != kEstablished) co_return;
    tcp::socket far(near.get_executor());
    co_await far.async_connect({asio::ip::make_address("127.0.0.1"), target_port_}, kTuple);
    auto up = std::make_shared<Pair>(Pair{std::move(near), std::move(far)});
    auto upward = Pipe(up, true);
    asio::co_spawn(up->near.get_executor(), std::move(upward), [](std::exception_ptr) {});
    co_await Pipe(up, false);
  }

  struct Pair {
    tcp::socket near;
    tcp::socket far;
  };

  static asio::awaitable<void> Pipe(std::shared_ptr<Pair> pair, bool up) {
    tcp::socket& from = up ? pair->near : pair->far;
    tcp::socket& to = up ? pair->far : pair->near;
    std::array<char, 4096> bytes{};
    for (;;) {
      const auto [error, size] = co_await from.async_read_some(asio::buffer(bytes), kTuple);
      boost::system::error_code ignored;
      if (error) to.shutdown(tcp::socket::shutdown_send, ignored);
      if (error) co_return;
      co_await asio::async_write(to, asio::buffer(bytes.data(), size), kTuple);
    }
  }

  std::uint16_t target_port_;
  std::string answer_;
  mutable std::mutex mutex_;
  std::string requests_;
  TcpServer server_;
};

asio::awaitable<absl::Status> Echo(std::string url, TlsOptions tls, EnvironmentLookup environment) {
  const auto home = co_await asio::this_coro::executor;
  auto connected = co_await WebSocket::Connect(home, url, {}, tls, {}, environment);
  if (!connected.ok()) co_return connected.status();
  const absl::Status written = co_await (*connected)->Write("hello");
  if (!written.ok()) co_return written;
  const auto text = co_await (*connected)->Read();
  (*connected)->Close();
  co_return text.status();
}

enum class Client { kWebSocket, kFetch };

class ProxyTest : public ::testing::TestWithParam<Client> {
 protected:
  void SetUp() override { std::ofstream(ca_file_) << authority_.Pem(); }

  absl::Status Try(const ConnectProxy& proxy, const std::string& no_proxy = "") {
    const std::string url = fmt::format("http://ann%40lab:s%3Acret@127.0.0.1:{}", proxy.port());
    const EnvironmentLookup environment =
        [url, no_proxy](const std::string& name) -> std::optional<std::string> {
      if (name == "HTTPS_PROXY") return url;
      if (name == "NO_PROXY") return no_proxy;
      return std::nullopt;
    };
    if (GetParam() == Client::kWebSocket) {
      asio::io_context io;
      return Await(io, Echo(fmt::format("wss://localhost:{}/ws", server_.port()), {ca_file_, {}},
                            environment));
    }
    ClientRequest request;
    request.url = fmt::format("https://localhost:{}/", server_.port());
    request.tls.ca_file = ca_file_;
    request.environment = environment;
    return Fetch(request).status();
  }

  void ExpectUnavailable(const std::string& answer, const std::string& reason) {
    const ConnectProxy proxy(server_.port(), answer);
    const absl::Status status = Try(proxy);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
    EXPECT_THAT(status.ToString(), Not(HasSubstr("cret")));
  }

  TempDir dir_;
  Authority authority_;
  std::string ca_file_ = dir_ / "ca.pem";
  TlsServer server_{authority_.Issue({.alternative_names = "DNS:localhost"})};
};

TEST_P(ProxyTest, TunnelWithUserAndPassword) {
  const ConnectProxy proxy(server_.port(), kEstablished);
  const absl::Status status = Try(proxy);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(proxy.requests(),
              HasSubstr(fmt::format("CONNECT localhost:{} HTTP/1.1\r\n", server_.port())));
  // base64 of "ann@lab:s:cret".
  EXPECT_THAT(proxy.requests(), HasSubstr("Proxy-Authorization: Basic YW5uQGxhYjpzOmNyZXQ=\r\n"));
}

TEST_P(ProxyTest, HostInNoProxyIsAskedDirectly) {
  const ConnectProxy proxy(server_.port(), kEstablished);
  EXPECT_TRUE(Try(proxy, "localhost").ok());
  EXPECT_EQ(proxy.requests(), "");
}

TEST_P(ProxyTest, WrongPasswordIsNamed) {
  ExpectUnavailable("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                    "answered 407: user and password are wrong or missing");
}

TEST_P(ProxyTest, ProxyThatDoesNotReachTheServerIsNamed) {
  ExpectUnavailable("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
                    "answered 504: it does not reach");
  ExpectUnavailable("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
                    "answered 403: it does not let us through");
}

TEST_P(ProxyTest, ProxyThatBreaksOffIsUnavailable) {
  ExpectUnavailable("", "");
}

TEST_P(ProxyTest, CertificateBehindTheTunnelIsStillVerified) {
  const TlsServer other(Authority().Issue({.alternative_names = "DNS:localhost"}));
  const ConnectProxy proxy(other.port(), kEstablished);
  EXPECT_EQ(Try(proxy).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(other.application_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Clients,
                         ProxyTest,
                         ::testing::Values(Client::kWebSocket, Client::kFetch),
                         [](const ::testing::TestParamInfo<Client>& tested) {
                           return tested.param == Client::kWebSocket ? "WebSocket" : "Fetch";
                         });

// What libcurl judges on its own.
class TunnelTest : public ProxyTest {};

INSTANTIATE_TEST_SUITE_P(Clients, TunnelTest, ::testing::Values(Client::kWebSocket));

TEST_P(TunnelTest, AnswerThatIsNotHttp) {
  ExpectUnavailable("SSH-2.0-OpenSSH_9.2\r\n\r\n", "its answer is not HTTP");
}

TEST_P(TunnelTest, AnswerWithoutAnEnd) {
  ExpectUnavailable("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "longer than 8192 bytes");
}

TEST_P(TunnelTest, BytesBeforeOurs) {
  ExpectUnavailable(std::string(kEstablished) + "x", "bytes of its own into the tunnel");
}

absl::StatusOr<ClientReply> FetchPlain(const ConnectProxy& proxy, const std::string& variable) {
  const std::string url = fmt::format("http://127.0.0.1:{}", proxy.port());
  ClientRequest request;
  request.url = "http://backend.example/images";
  request.environment = [url, variable](const std::string& name) -> std::optional<std::string> {
    if (name == variable) return url;
    return std::nullopt;
  };
  return Fetch(request);
}

TEST(PlainFetchTest, GoesToTheProxyAsItIs) {
  const ConnectProxy proxy(0,
                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  const auto reply = FetchPlain(proxy, "http_proxy");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->body, "ok");
  EXPECT_THAT(proxy.requests(), HasSubstr("GET http://backend.example/images HTTP/1.1\r\n"));
}

TEST(PlainFetchTest, WrongPasswordIsAnErrorAndNoReplyOfTheServer) {
  const ConnectProxy proxy(0,
                           "HTTP/1.1 407 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  const auto reply = FetchPlain(proxy, "http_proxy");
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("answered 407: user and password"));
}

}  // namespace
}  // namespace tentacle::net
