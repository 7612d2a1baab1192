// Both sides of a WebSocket over loopback, and what a raw or a silent peer does to them.
#include "libs/net/websocket.h"

#include <fmt/format.h>

#include <array>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/net/http_server.h"
#include "libs/net/retry_after.h"
#include "tests/support/tcp_server.h"

namespace tentacle::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::tentacle::testing::Await;
using ::testing::HasSubstr;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
const EnvironmentLookup kNoProxy = [](const std::string&) { return std::nullopt; };

class WebSocketTest : public ::testing::Test {
 protected:
  WebSocketTest()
      : server_(io_.get_executor(), [this](const HttpRequest& request) { return Answer(request); }),
        ended_(io_, asio::steady_timer::time_point::max()),
        acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}) {
    EXPECT_TRUE(server_.Listen("127.0.0.1:0").ok());
    auto run = server_.Run();
    asio::co_spawn(io_, std::move(run), [](std::exception_ptr, absl::Status) {});
  }

  asio::awaitable<HttpReply> Answer(HttpRequest request) {
    if (request.path != "/ws") {
      HttpReply reply =
          ProblemReply(static_cast<unsigned>(std::stoi(request.path.substr(1))), "a sentence");
      reply.headers.emplace_back("Retry-After", "120");
      co_return reply;
    }
    HttpReply reply;
    reply.upgrade = [this](std::shared_ptr<UpgradedConnection> connection) {
      return Serve(std::move(connection));
    };
    co_return reply;
  }

  // Echoes until the end.
  asio::awaitable<void> Serve(std::shared_ptr<UpgradedConnection> connection) {
    auto accepted = co_await WebSocket::Accept(std::move(connection), server_limits_);
    if (!accepted.ok()) co_return;
    const auto socket = *accepted;
    if (!greeting_.empty()) co_await socket->Write(greeting_);
    for (;;) {
      const auto text = co_await socket->Read();
      server_end_ = text.status();
      if (!text.ok()) break;
      co_await socket->Write(*text);
    }
    ended_.cancel();
  }

  // How the server's side ended.
  asio::awaitable<absl::Status> ServerEnd() {
    if (server_end_.ok()) co_await ended_.async_wait(kTuple);
    co_return server_end_;
  }

  absl::StatusOr<std::shared_ptr<WebSocket>> Connect(std::uint16_t port,
                                                     const std::string& path = "/ws") {
    const std::string url = fmt::format("ws://127.0.0.1:{}{}", port, path);
    return Await(io_, WebSocket::Connect(io_.get_executor(), url, {}, {}, limits_, environment_));
  }

  std::shared_ptr<WebSocket> Connected() {
    auto connected = Connect(server_.port());
    EXPECT_TRUE(connected.ok()) << connected.status();
    return *connected;
  }

  std::string Echoed(const std::shared_ptr<WebSocket>& socket, const std::string& text) {
    EXPECT_TRUE(Await(io_, socket->Write(text)).ok());
    const auto echo = Await(io_, socket->Read());
    return echo.ok() ? *echo : echo.status().ToString();
  }

  // A line between the two, on acceptor_, that swallows everything once frozen_. As a proxy, it
  // answers a CONNECT first.
  asio::awaitable<void> Line() {
    tcp::socket near(io_);
    co_await acceptor_.async_accept(near, kTuple);
    if (as_proxy_) {
      co_await asio::async_read_until(near, asio::dynamic_buffer(proxy_request_), "\r\n\r\n",
                                      kTuple);
      const std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
      co_await asio::async_write(near, asio::buffer(answer), kTuple);
    }
    tcp::socket far(io_);
    co_await far.async_connect({asio::ip::make_address("127.0.0.1"), server_.port()}, kTuple);
    auto up = Pipe(near, far);
    asio::co_spawn(io_, std::move(up), [](std::exception_ptr) {});
    co_await Pipe(far, near);
    asio::steady_timer never(io_, asio::steady_timer::time_point::max());
    co_await never.async_wait(kTuple);
  }

  asio::awaitable<void> Pipe(tcp::socket& from, tcp::socket& to) {
    std::array<char, 4096> bytes{};
    for (;;) {
      const auto [error, size] = co_await from.async_read_some(asio::buffer(bytes), kTuple);
      if (error) co_return;
      if (!frozen_) co_await asio::async_write(to, asio::buffer(bytes.data(), size), kTuple);
    }
  }

  void StartLine() {
    auto line = Line();
    asio::co_spawn(io_, std::move(line), [](std::exception_ptr) {});
  }

  // What the server answers to a frame that no client of ours sends: its close frame.
  asio::awaitable<std::string> AnswerToRaw(std::string frame) {
    tcp::socket socket(io_);
    co_await socket.async_connect({asio::ip::make_address("127.0.0.1"), server_.port()}, kTuple);
    const std::string hello =
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(hello), kTuple);
    std::string head;
    const auto [error, size] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", kTuple);
    std::string answer = head.substr(size);
    co_await asio::async_write(socket, asio::buffer(frame), kTuple);
    for (;;) {
      // Pings of the server may come first: 0x89, length, number.
      while (answer.size() >= 2 && answer[0] == '\x89')
        answer.erase(0, 2 + static_cast<std::size_t>(answer[1]));
      if (answer.size() >= 4) co_return answer.substr(0, 4);
      std::array<char, 256> more{};
      const auto [ended, got] = co_await socket.async_read_some(asio::buffer(more), kTuple);
      if (ended) co_return answer;
      answer.append(more.data(), got);
    }
  }

  asio::io_context io_{1};
  WebSocketLimits limits_;
  WebSocketLimits server_limits_;
  EnvironmentLookup environment_ = kNoProxy;
  std::string greeting_;
  HttpServer server_;
  absl::Status server_end_;
  asio::steady_timer ended_;
  tcp::acceptor acceptor_;
  bool frozen_ = false;
  bool as_proxy_ = false;
  std::string proxy_request_;
};

TEST_F(WebSocketTest, MessagesOfEachSizeComeBack) {
  const auto socket = Connected();
  for (const std::size_t size : {0u, 1u, 125u, 126u, 65'535u, 65'536u, 1'048'576u}) {
    EXPECT_EQ(Echoed(socket, std::string(size, 'm')), std::string(size, 'm')) << size;
  }
}

TEST_F(WebSocketTest, ManyWritersKeepTheirOrder) {
  const auto socket = Connected();
  for (int i = 0; i < 50; ++i) {
    auto write = socket->Write(fmt::format("{}:{}", i, std::string(20'000, 'w')));
    asio::co_spawn(io_, std::move(write), [](std::exception_ptr, const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  for (int i = 0; i < 50; ++i) {
    const auto text = Await(io_, socket->Read());
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(text->substr(0, text->find(':')), std::to_string(i));
  }
}

TEST_F(WebSocketTest, SilentPeerIsFoundByBothSides) {
  limits_.ping_interval = server_limits_.ping_interval = absl::Milliseconds(200);
  StartLine();
  const auto socket = *Connect(acceptor_.local_endpoint().port());
  EXPECT_EQ(Echoed(socket, "there"), "there");
  frozen_ = true;
  const auto text = Await(io_, socket->Read());
  EXPECT_EQ(text.status(), absl::UnavailableError("websocket: no answer to 3 pings"));
  EXPECT_EQ(Await(io_, ServerEnd()), absl::UnavailableError("websocket: no answer to 3 pings"));
  EXPECT_EQ(Await(io_, socket->Write("gone")).code(), absl::StatusCode::kCancelled);
}

TEST_F(WebSocketTest, PongsMeasureTheLink) {
  limits_.ping_interval = absl::Milliseconds(10);
  const auto socket = Connected();
  EXPECT_EQ(socket->quality().pongs, 0u);
  while (socket->quality().pongs < 3)
    ASSERT_EQ(Echoed(socket, "m"), "m");
  const LinkQuality quality = socket->quality();
  EXPECT_GT(quality.round_trip, absl::ZeroDuration());
  EXPECT_GT(quality.mean_round_trip, absl::ZeroDuration());
  EXPECT_GE(quality.pings, quality.pongs);
}

TEST_F(WebSocketTest, TooLargeAMessageOfOursStaysHere) {
  limits_.message_bytes = 1000;
  const auto socket = Connected();
  EXPECT_EQ(Await(io_, socket->Write(std::string(1001, 'x'))).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Echoed(socket, std::string(1000, 'x')), std::string(1000, 'x'));
}

TEST_F(WebSocketTest, ServerClosesTooLargeAMessageWith1009) {
  server_limits_.message_bytes = 1000;
  const auto socket = Connected();
  EXPECT_TRUE(Await(io_, socket->Write(std::string(1001, 'x'))).ok());
  const auto text = Await(io_, socket->Read());
  EXPECT_EQ(text.status(), absl::OutOfRangeError("websocket: closed by the peer with 1009"));
  EXPECT_EQ(Await(io_, ServerEnd()).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WebSocketTest, ClientClosesTooLargeAMessageWith1009) {
  limits_.message_bytes = 1000;
  greeting_ = std::string(1001, 'x');
  const auto socket = Connected();
  EXPECT_EQ(Await(io_, socket->Read()).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Await(io_, socket->Read()).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Await(io_, ServerEnd()),
            absl::OutOfRangeError("websocket: closed by the peer with 1009"));
}

TEST_F(WebSocketTest, BinaryIsClosedWith1003) {
  // FIN and opcode 2, masked with zeros (RFC 6455 section 5.2).
  EXPECT_EQ(Await(io_, AnswerToRaw(std::string("\x82\x81\0\0\0\0b", 7))), "\x88\x02\x03\xeb");
  EXPECT_EQ(Await(io_, ServerEnd()).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WebSocketTest, WhatIsNotUtf8IsClosedWith1007) {
  EXPECT_EQ(Await(io_, AnswerToRaw(std::string("\x81\x81\0\0\0\0\xff", 7))), "\x88\x02\x03\xef");
  EXPECT_EQ(Await(io_, ServerEnd()).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WebSocketTest, FrameWithoutAMaskIsClosedWith1002) {
  EXPECT_EQ(Await(io_, AnswerToRaw("\x81\x01x")), "\x88\x02\x03\xea");
}

TEST_F(WebSocketTest, RefusalsSayWhoRefusedWhyAndForHowLong) {
  const auto code = [this](const char* path) {
    return Connect(server_.port(), path).status().code();
  };
  EXPECT_EQ(code("/401"), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(code("/403"), absl::StatusCode::kPermissionDenied);
  const absl::Status busy = Connect(server_.port(), "/503").status();
  EXPECT_EQ(busy.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(busy.message(), "the backend answered 503: a sentence");
  EXPECT_EQ(RetryAfter(busy), absl::Seconds(120));
}

TEST_F(WebSocketTest, SlowHandshakeIsGivenUp) {
  limits_.handshake_timeout = absl::Milliseconds(100);
  // Nobody accepts: the kernel completes the connection, and no answer comes.
  const absl::Status status = Connect(acceptor_.local_endpoint().port()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_F(WebSocketTest, NobodyListensIsUnavailable) {
  const std::uint16_t port = acceptor_.local_endpoint().port();
  acceptor_.close();
  EXPECT_EQ(Connect(port).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(WebSocketTest, PlainWebSocketGoesThroughATunnelToo) {
  as_proxy_ = true;
  StartLine();
  const std::string proxy = fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port());
  environment_ = [proxy](const std::string& name) -> std::optional<std::string> {
    if (name == "http_proxy") return proxy;
    return std::nullopt;
  };
  const auto socket = Connected();
  EXPECT_EQ(Echoed(socket, "through"), "through");
  EXPECT_THAT(proxy_request_,
              HasSubstr(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server_.port())));
}

TEST(RetryAfterTest, SecondsOrADateAgainstTheAnswersOwnClock) {
  EXPECT_EQ(ParseRetryAfter("0", ""), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter("999999999", ""), absl::Hours(24));
  const char* date = "Fri, 31 Dec 1999 23:59:00 GMT";
  EXPECT_EQ(ParseRetryAfter("Fri, 31 Dec 1999 23:59:30 GMT", date), absl::Seconds(30));
  EXPECT_EQ(ParseRetryAfter("Fri, 31 Dec 1999 23:58:30 GMT", date), absl::ZeroDuration());
  for (const char* rubbish : {"", "soon", "-1", "1.5", "Fri, 31 Dec 1999 23:59:30 GMT"}) {
    EXPECT_EQ(ParseRetryAfter(rubbish, ""), std::nullopt) << rubbish;
  }
  EXPECT_EQ(RetryAfter(absl::UnavailableError("x")), std::nullopt);
}

}  // namespace
}  // namespace tentacle::net
