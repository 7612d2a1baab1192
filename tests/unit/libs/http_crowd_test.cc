// More connections than the server has room for.
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "libs/net/http_server.h"

namespace tentacle::net {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kHalf = "GET /x HTTP/1.1\r\n";
constexpr std::string_view kRest = "Host: x\r\n\r\n";

class Client {
 public:
  // From an address of loopback's network.
  Client(std::uint16_t port, const char* from = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = inet_addr(from);
    sockaddr_in there = here;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    there.sin_port = htons(port);
    const int on = 1;
    // Ten thousand ports of one address are fewer than there are only when each is chosen at
    // connect().
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
  }

  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }

  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Client& operator=(Client&&) = delete;

  void Say(std::string_view text) const {
    static_cast<void>(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL));
  }

  // What comes at once; empty: the server has closed the connection.
  std::string Hear() const {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    return std::string(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }

  bool IsAnswered() const { return Hear().starts_with("HTTP/1.1 200"); }

 private:
  int fd_;
};

class HttpCrowdTest : public ::testing::Test {
 protected:
  void Start(std::uint32_t connections, std::uint32_t per_address = 0) {
    HttpLimits limits;
    limits.connections = connections;
    limits.connections_per_address = per_address;
    limits.header_timeout = absl::Hours(1);  // Nobody goes because of the time.
    HttpObserver observer;
    observer.on_drop = [this](std::string_view reason) {
      if (reason == "evicted") ++evicted_;
      if (reason == "too_many") ++too_many_;
    };
    const auto answer = [this](const HttpRequest& request) { return Answer(request); };
    server_ = std::make_unique<HttpServer>(io_.get_executor(), answer, limits, observer);
    ASSERT_TRUE(server_->Listen("127.0.0.1:0").ok());
    gate_.expires_at(asio::steady_timer::time_point::max());
    auto run = server_->Run();
    asio::co_spawn(io_, std::move(run), [](std::exception_ptr, absl::Status) {});
    thread_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    asio::post(io_, [this] {
      gate_.cancel();
      server_->Close();
    });
    thread_.join();
  }

  asio::awaitable<HttpReply> Answer(HttpRequest request) {
    if (request.path == "/slow") {
      ++slow_;
      co_await gate_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return TextReply(200, "here");
  }

  std::uint16_t port() const { return server_->port(); }

  asio::io_context io_{1};
  asio::steady_timer gate_{io_};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<std::size_t> evicted_ = 0;
  std::atomic<std::size_t> too_many_ = 0;
  std::atomic<std::size_t> slow_ = 0;
};

// As many descriptors as may be had, but for those of the process itself.
std::size_t Crowd() {
  constexpr std::size_t kWanted = 10'000;
  constexpr std::size_t kOwn = 600;
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kWanted + kOwn);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  return std::min<std::size_t>(kWanted, limit.rlim_cur - kOwn);
}

TEST_F(HttpCrowdTest, TenThousandWhoOnlyHoldTheirConnectionKeepNobodyOut) {
  constexpr std::size_t kRoom = 64;
  Start(kRoom);
  const std::size_t crowd = Crowd();
  std::vector<Client> clients;
  clients.reserve(crowd);
  for (std::size_t i = 0; i < crowd; ++i) {
    clients.emplace_back(port());
    clients.back().Say(kHalf);
    if (i % 1000 != 999) continue;
    // All the while others are served.
    const Client other(port());
    other.Say(kHalf);
    other.Say(kRest);
    EXPECT_TRUE(other.IsAnswered()) << i;
  }
  // The newest may still end what it began; the oldest are gone.
  clients.back().Say(kRest);
  EXPECT_TRUE(clients.back().IsAnswered());
  EXPECT_EQ(clients.front().Hear(), "");
  EXPECT_GE(evicted_, crowd - kRoom);
  EXPECT_EQ(too_many_, 0u);
}

TEST_F(HttpCrowdTest, WhoIsBeingAnsweredStays) {
  Start(2);
  const Client one(port());
  const Client two(port());
  for (const Client* client : {&one, &two}) {
    client->Say("GET /slow HTTP/1.1\r\n");
    client->Say(kRest);
  }
  while (slow_ < 2)
    std::this_thread::yield();
  const Client three(port());
  EXPECT_EQ(three.Hear(), "");
  EXPECT_EQ(too_many_, 1u);
  asio::post(io_, [this] { gate_.cancel(); });
  EXPECT_TRUE(one.IsAnswered());
  EXPECT_TRUE(two.IsAnswered());
  EXPECT_EQ(evicted_, 0u);
}

TEST_F(HttpCrowdTest, AnAddressWithManyConnectionsLosesItsOwnOldest) {
  Start(64, 2);
  const Client stranger(port(), "127.0.0.2");
  stranger.Say(kHalf);
  const Client one(port());
  one.Say(kHalf);
  const Client two(port());
  two.Say(kHalf);
  const Client three(port());
  three.Say(kHalf);
  EXPECT_EQ(one.Hear(), "");
  for (const Client* client : {&stranger, &two, &three}) {
    client->Say(kRest);
    EXPECT_TRUE(client->IsAnswered());
  }
  EXPECT_EQ(evicted_, 1u);
}

}  // namespace
}  // namespace tentacle::net
