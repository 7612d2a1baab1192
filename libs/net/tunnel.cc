#include "libs/net/tunnel.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "libs/net/beast_websocket.h"

namespace tentacle::net {

namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxAnswerBytes = 8 * 1024;
constexpr std::string_view kEndOfHeaders = "\r\n\r\n";

}  // namespace

asio::awaitable<absl::Status> OpenTunnel(boost::beast::tcp_stream& stream,
                                         Proxy proxy,
                                         std::string authority) {
  const std::string what = fmt::format("proxy {}", proxy.Name());
  const std::string request = ConnectRequest(proxy, authority);
  const auto [write_error, written] =
      co_await asio::async_write(stream, asio::buffer(request), kTuple);
  if (write_error) co_return StatusFromError(what, write_error);

  std::string answer;
  auto buffer = asio::dynamic_buffer(answer, kMaxAnswerBytes);
  const auto [read_error, header_bytes] =
      co_await asio::async_read_until(stream, buffer, kEndOfHeaders, kTuple);
  if (read_error == asio::error::not_found) {
    co_return absl::UnavailableError(
        fmt::format("{}: its answer is longer than {} bytes", what, kMaxAnswerBytes));
  }
  if (read_error) co_return StatusFromError(what, read_error);
  const auto status = ConnectStatus(answer);
  if (!status) co_return absl::UnavailableError(fmt::format("{}: its answer is not HTTP", what));
  if (*status < 200 || *status > 299) co_return ProxyRefusal(proxy, *status);
  // TLS and HTTP servers wait for us to speak; what comes before would be mistaken for their
  // answer.
  if (answer.size() > header_bytes) {
    co_return absl::UnavailableError(
        fmt::format("{}: it sent bytes of its own into the tunnel", what));
  }
  co_return absl::OkStatus();
}

}  // namespace tentacle::net
