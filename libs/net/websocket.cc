// The server side, and what both sides share.
#include "libs/net/websocket.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "libs/net/beast_websocket.h"

namespace tentacle::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ws = beast::websocket;

}  // namespace

absl::Status StatusFromError(std::string_view what, const beast::error_code& error) {
  if (error == beast::error::timeout)
    return absl::DeadlineExceededError(fmt::format("{}: no answer in time", what));
  const std::string text = fmt::format("{}: {}", what, error.message());
  if (error == ws::error::closed) return absl::OutOfRangeError(text);
  if (error == ws::error::message_too_big || error == ws::error::buffer_overflow ||
      error == ws::error::bad_frame_payload) {
    return absl::InvalidArgumentError(text);
  }
  if (error == asio::error::operation_aborted) return absl::CancelledError(text);
  return absl::UnavailableError(text);
}

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> WebSocket::Accept(
    std::shared_ptr<UpgradedConnection> connection, WebSocketLimits limits) {
  const auto home = connection->socket.get_executor();
  http::request<http::string_body> request(http::verb::get, connection->request.path, 11);
  for (const auto& [name, value] : connection->request.headers)
    request.insert(name, value);
  auto socket = std::make_shared<BeastWebSocket<beast::tcp_stream>>(home, limits,
                                                                    std::move(connection->socket));
  const auto [error] = co_await socket->stream().async_accept(request, kTuple);
  if (error) co_return StatusFromError("websocket accept", error);
  socket->Established();
  co_return std::static_pointer_cast<WebSocket>(socket);
}

}  // namespace tentacle::net
