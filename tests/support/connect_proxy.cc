#include "tests/support/connect_proxy.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace tentacle::testing {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxRequestBytes = 8192;

struct Tunnel {
  tcp::socket client;
  tcp::socket target;
};

asio::awaitable<void> Copy(std::shared_ptr<Tunnel> tunnel, bool up) {
  tcp::socket& from = up ? tunnel->client : tunnel->target;
  tcp::socket& to = up ? tunnel->target : tunnel->client;
  std::array<char, 16384> bytes{};
  for (;;) {
    const auto [end, size] = co_await from.async_read_some(asio::buffer(bytes), kTuple);
    if (end) break;
    const auto [error, written] = co_await asio::async_write(to, asio::buffer(bytes, size), kTuple);
    if (error) break;
  }
  boost::system::error_code ignored;
  tunnel->client.close(ignored);
  tunnel->target.close(ignored);
}

// Of "CONNECT 127.0.0.1:8080 HTTP/1.1"; tests ask for nothing but loopback.
std::uint16_t PortOf(std::string_view request) {
  const auto from = request.find(':') + 1;
  return static_cast<std::uint16_t>(std::stoi(std::string(request.substr(from, 5))));
}

}  // namespace

ConnectProxy::ConnectProxy()
    : server_([this](tcp::socket client) { return Serve(std::move(client)); }) {}

std::string ConnectProxy::Url() const {
  return fmt::format("http://127.0.0.1:{}", port());
}

asio::awaitable<void> ConnectProxy::Serve(tcp::socket client) {
  std::string request;
  const auto [cut, size] = co_await asio::async_read_until(
      client, asio::dynamic_buffer(request, kMaxRequestBytes), "\r\n\r\n", kTuple);
  if (cut) co_return;
  const tcp::endpoint where(asio::ip::address_v4::loopback(), PortOf(request));
  auto tunnel = std::make_shared<Tunnel>(Tunnel{std::move(client), tcp::socket(server_.io())});
  std::string answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
  bool open = false;
  if (!refuses) {
    const auto [error] = co_await tunnel->target.async_connect(where, kTuple);
    open = !error;
    answer = open ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 502 Bad Gateway\r\n\r\n";
  }
  const auto [error, written] =
      co_await asio::async_write(tunnel->client, asio::buffer(answer), kTuple);
  if (error || !open) co_return;
  auto down = Copy(tunnel, false);
  asio::co_spawn(server_.io(), std::move(down), asio::detached);
  auto up = Copy(tunnel, true);
  co_await std::move(up);
}

}  // namespace tentacle::testing
