// The server with real clients: libcurl over loopback, and raw sockets for what libcurl would not
// send.
#include "libs/net/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "libs/net/forwarded.h"
#include "libs/net/http_client.h"
#include "tests/support/temp_dir.h"

namespace tentacle::net {
namespace {

namespace asio = boost::asio;

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(dir_ / "file") << std::string(700'000, 'f');
    HttpLimits limits;
    limits.body_bytes = 1000;
    server_ = std::make_unique<HttpServer>(
        io_.get_executor(), [this](const HttpRequest& request) { return Answer(request); }, limits);
    ASSERT_TRUE(server_->Listen("127.0.0.1:0").ok());
    auto run = server_->Run();
    asio::co_spawn(io_, std::move(run), [](std::exception_ptr, absl::Status) {});
    thread_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    asio::post(io_, [this] { server_->Close(); });
    io_.stop();
    thread_.join();
  }

  asio::awaitable<HttpReply> Answer(HttpRequest request) {
    if (request.path == "/file") {
      HttpReply reply;
      reply.file = *OpenFileSpan(dir_ / "file");
      co_return reply;
    }
    if (request.path == "/taken-back") {
      HttpReply reply;
      reply.file = *OpenFileSpan(dir_ / "large");
      auto sent = std::make_shared<std::uint64_t>(0);
      reply.on_sent = [sent](std::uint64_t bytes) { *sent += bytes; };
      reply.still_right = [sent] { return *sent == 0; };
      co_return reply;
    }
    if (request.path == "/stream") {
      HttpReply reply;
      auto left = std::make_shared<int>(3);
      reply.stream = [left]() -> asio::awaitable<absl::StatusOr<std::string>> {
        co_return *left == 0 ? std::string()
                             : std::string(static_cast<std::size_t>((*left)--), 's');
      };
      co_return reply;
    }
    if (request.path == "/throw") throw std::runtime_error("bug");
    co_return TextReply(200, fmt::format("{} {} {}", request.method, request.path, request.body));
  }

  ClientReply Get(const std::string& path,
                  const std::string& method = "GET",
                  const std::string& body = "") {
    ClientRequest request;
    request.url = fmt::format("http://127.0.0.1:{}{}", server_->port(), path);
    request.method = method;
    request.body = body;
    const auto reply = Fetch(request);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *reply : ClientReply();
  }

  // Sends raw bytes and returns all that comes until the server closes.
  std::string Raw(const std::string& text) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server_->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    std::string answer(65536, '\0');
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < answer.size();) {
      got = ::read(fd, answer.data() + size, answer.size() - size);
      if (got > 0) size += static_cast<std::size_t>(got);
    }
    ::close(fd);
    answer.resize(size);
    return answer;
  }

  TempDir dir_;
  asio::io_context io_{1};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, DecodesPathAndBody) {
  EXPECT_EQ(Get("/a%20b", "POST", "text").body, "POST /a b text");
  EXPECT_EQ(Get("/x?y=z").body, "GET /x ");
}

TEST_F(HttpServerTest, SendsAFileWhole) {
  const ClientReply reply = Get("/file");
  EXPECT_EQ(reply.body, std::string(700'000, 'f'));
}

TEST_F(HttpServerTest, AFileThatIsNotRightAnyMoreEndsShort) {
  std::ofstream(dir_ / "large") << "";
  std::filesystem::resize_file(dir_ / "large", 64 << 20);
  const std::string answer =
      Raw("GET /taken-back HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 67108864"), std::string::npos);
  EXPECT_LT(answer.size(), 32u << 20);
}

TEST_F(HttpServerTest, HeadStatesTheLengthAndSendsNothing) {
  const std::string answer = Raw("HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 700000\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, StreamsInChunks) {
  EXPECT_EQ(Get("/stream").body, "ssssss");
}

TEST_F(HttpServerTest, TwoRequestsOnOneConnection) {
  const std::string answer = Raw(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("GET /a "), std::string::npos);
  EXPECT_NE(answer.find("GET /b "), std::string::npos);
}

TEST_F(HttpServerTest, BugInAHandlerIsOne500) {
  EXPECT_EQ(Get("/throw").status, 500u);
  EXPECT_EQ(Get("/x").status, 200u);
}

TEST_F(HttpServerTest, RubbishAndLimitsAreAnsweredAndClosed) {
  EXPECT_TRUE(Raw("rubbish\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(Raw("GET / HTTP/1.1\r\nHost: " + std::string(20'000, 'h') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(Raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
                  .starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(Raw("GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(Get("/still-here").status, 200u);
}

// Bar D6: whatever two readers could understand differently is an error, and ends the connection.
TEST_F(HttpServerTest, NoRequestHidesInAnother) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string length = "Content-Length: 5\r\n";
  for (const std::string& request : std::vector<std::string>{
           "POST / HTTP/1.1\r\nHost: x\r\n" + length + chunked + "\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\n" + chunked + length + "\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\n" + length + "Content-Length: 6\r\n\r\n12345",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n12345",
           "POST / HTTP/1.1\r\nHost: x\r\n" + chunked + "\r\nzz\r\n12345\r\n0\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\n" + length + "\r\n12345",
           "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
       }) {
    const std::string answer = Raw(request + hidden);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << request << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << request;
    EXPECT_EQ(answer.find("/hidden"), std::string::npos) << request << answer;
  }
}

TEST_F(HttpServerTest, ALineOfFourKibibytesIsTheLongest) {
  const auto asked = [](std::size_t target) {
    return "GET /" + std::string(target - 1, 'x') +
           " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  };
  EXPECT_TRUE(Raw(asked(4096)).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(Raw(asked(4097)).starts_with("HTTP/1.1 431"));
}

TEST(ClientAddress, IsWhomTheLastTrustedProxyHeardItFrom) {
  HttpRequest request;
  request.remote_ip = "10.0.0.1";
  request.headers = {{"x-forwarded-for", "6.6.6.6, 203.0.113.5"}, {"X-Forwarded-For", "10.0.0.2"}};
  EXPECT_EQ(ClientAddress(request, {}), "10.0.0.1");
  EXPECT_EQ(ClientAddress(request, {"10.0.0.9"}), "10.0.0.1");
  EXPECT_EQ(ClientAddress(request, {"10.0.0.1"}), "10.0.0.2");
  EXPECT_EQ(ClientAddress(request, {"10.0.0.1", "10.0.0.2"}), "203.0.113.5");
  request.headers = {{"X-Forwarded-For", "unknown"}};
  EXPECT_EQ(ClientAddress(request, {"10.0.0.1"}), "10.0.0.1");
  request.headers = {{"X-Forwarded-For", "10.0.0.1"}};
  EXPECT_EQ(ClientAddress(request, {"10.0.0.1"}), "10.0.0.1");
  request.headers.clear();
  EXPECT_EQ(ClientAddress(request, {"10.0.0.1"}), "10.0.0.1");
}

}  // namespace
}  // namespace tentacle::net
