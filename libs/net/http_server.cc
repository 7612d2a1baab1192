#include "libs/net/http_server.h"

#include <fmt/format.h>
#include <sys/sendfile.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <unordered_set>
#include <utility>

#include <absl/time/clock.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "libs/net/address.h"
#include "libs/net/connection_count.h"
#include "libs/net/forwarded.h"
#include "libs/net/http_convert.h"
#include "libs/net/http_head.h"
#include "libs/net/stall_guard.h"
#include "libs/net/waiting_connections.h"

namespace tentacle::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// After so much without a wait it is the others' turn: a client that reads as fast as we send would
// keep the thread.
constexpr std::uint64_t kTurnBytes = 2 << 20;
// Without a descriptor to accept with; another connection has to end first.
constexpr auto kNoDescriptorPause = std::chrono::milliseconds(50);

std::chrono::nanoseconds Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(asio::any_io_executor home_in,
        HttpHandler handler_in,
        HttpLimits limits_in,
        HttpObserver observer_in)
      : home(home_in),
        acceptor(home_in),
        handler(std::move(handler_in)),
        limits(limits_in),
        observer(std::move(observer_in)) {}

  asio::any_io_executor home;
  tcp::acceptor acceptor;
  HttpHandler handler;
  HttpLimits limits;
  HttpObserver observer;
  bool closed = false;
  std::unordered_set<beast::tcp_stream*> connections;
  AddressCounts by_address;
  WaitingConnections waiting;

  // Room for one more, if need be at the cost of one that waits.
  bool MayConnect(const tcp::socket& socket) {
    beast::error_code error;
    const auto address = socket.remote_endpoint(error).address();
    const auto at = by_address.find(address);
    const bool many_of_address = limits.connections_per_address != 0 && at != by_address.end() &&
                                 at->second >= limits.connections_per_address;
    if (!many_of_address && connections.size() < limits.connections) return true;
    const bool made_room = many_of_address ? waiting.CloseOldestOf(address) : waiting.CloseOldest();
    Drop(made_room ? "evicted" : "too_many");
    return made_room;
  }

  void Drop(std::string_view reason) const {
    if (observer.on_drop) observer.on_drop(reason);
  }

  asio::awaitable<void> Serve(tcp::socket socket);
  // False: the connection ends after this exchange.
  asio::awaitable<bool> Exchange(beast::tcp_stream& stream, beast::flat_buffer& buffer);
  asio::awaitable<bool> Send(beast::tcp_stream& stream,
                             const HttpRequest& request,
                             HttpReply reply,
                             bool keep_alive);
  asio::awaitable<bool> SendFile(beast::tcp_stream& stream, FileSpan span, const HttpReply& reply);
  asio::awaitable<bool> SendSpans(beast::tcp_stream& stream, const HttpReply& reply);
  asio::awaitable<bool> SendStream(beast::tcp_stream& stream,
                                   BodyStream body,
                                   std::optional<std::uint64_t> length);
  asio::awaitable<bool> Refuse(beast::tcp_stream& stream, beast::error_code error);
  asio::awaitable<bool> WriteText(beast::tcp_stream& stream, std::string text);
};

namespace {

// Keeps the set of open connections true for exactly as long as one is served.
class Membership {
 public:
  Membership(std::unordered_set<beast::tcp_stream*>& set, beast::tcp_stream* stream)
      : set_(set), stream_(stream) {
    set_.insert(stream_);
  }

  ~Membership() { set_.erase(stream_); }

  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

 private:
  std::unordered_set<beast::tcp_stream*>& set_;
  beast::tcp_stream* stream_;
};

}  // namespace

asio::awaitable<void> HttpServer::State::Serve(tcp::socket socket) {
  const auto self = shared_from_this();
  beast::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  beast::tcp_stream stream(std::move(socket));
  const Membership member(connections, &stream);
  const AddressCount counted(by_address, stream.socket());
  beast::flat_buffer buffer(limits.header_bytes + 64 * 1024);
  while (!closed) {
    const bool again = co_await Exchange(stream, buffer);
    if (!again) break;
  }
  if (stream.socket().is_open()) stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<bool> HttpServer::State::Exchange(beast::tcp_stream& stream,
                                                  beast::flat_buffer& buffer) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits.header_bytes);
  parser.body_limit(limits.body_bytes);
  stream.expires_after(Chrono(limits.header_timeout));
  std::optional<WaitingConnections::Place> place(std::in_place, waiting, stream);
  const auto [error, size] = co_await http::async_read(stream, buffer, parser, kTuple);
  place.reset();
  static_cast<void>(size);
  if (error) co_return co_await Refuse(stream, error);
  // It went to make room just when its request had come whole: who asked does not hear an answer,
  // so nothing is done.
  if (!stream.socket().is_open()) co_return false;
  stream.expires_never();

  auto message = parser.release();
  const bool keep_alive = message.keep_alive();
  if (message.target().size() > limits.target_bytes)
    co_return co_await Refuse(stream, http::error::header_limit);
  auto converted = Convert(message, stream.socket());
  if (!converted) co_return co_await Refuse(stream, http::error::bad_target);
  auto request = std::make_shared<HttpRequest>(*std::move(converted));
  request->remote_ip = ClientAddress(*request, limits.trusted_proxies);

  HttpReply reply;
  try {
    reply = co_await handler(*request);
  } catch (const std::exception&) {  // A bug in a handler costs one answer, not the server.
    reply = ProblemReply(500, "internal error");
  }
  if (observer.on_reply) observer.on_reply(*request, reply.status);
  if (reply.upgrade) {
    auto upgraded =
        std::make_shared<UpgradedConnection>(UpgradedConnection{stream.release_socket(), *request});
    co_await reply.upgrade(std::move(upgraded));
    co_return false;
  }
  co_return co_await Send(stream, *request, std::move(reply), keep_alive);
}

asio::awaitable<bool> HttpServer::State::Refuse(beast::tcp_stream& stream,
                                                beast::error_code error) {
  if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
      error == asio::error::operation_aborted || error == http::error::partial_message) {
    co_return false;  // Gone; nobody is there to be told.
  }
  unsigned status = 400;
  std::string_view reason = "bad_request";
  if (error == beast::error::timeout) {
    Drop("timeout");
    co_return false;
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    status = 431;
    reason = "too_large";
  } else if (error == http::error::body_limit) {
    status = 413;
    reason = "too_large";
  }
  Drop(reason);
  const HttpReply problem =
      ProblemReply(status, "the request is not valid HTTP/1.1 or exceeds a limit");
  co_await WriteText(
      stream,
      fmt::format(
          "HTTP/1.1 {} {}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n"
          "Connection: close\r\n\r\n{}",
          status, ReasonPhrase(status), problem.body.size(), problem.body));
  co_return false;
}

asio::awaitable<bool> HttpServer::State::WriteText(beast::tcp_stream& stream, std::string text) {
  stream.expires_after(Chrono(limits.write_timeout));
  const auto [error, size] = co_await asio::async_write(stream, asio::buffer(text), kTuple);
  static_cast<void>(size);
  if (error == beast::error::timeout) Drop("timeout");
  co_return !error;
}

asio::awaitable<bool> HttpServer::State::Send(beast::tcp_stream& stream,
                                              const HttpRequest& request,
                                              HttpReply reply,
                                              bool keep_alive) {
  const bool head_only = request.method == "HEAD";
  std::string head = ReplyHead(reply, head_only, keep_alive, absl::Now());
  const bool inline_body = !head_only && !reply.file && !reply.spans && !reply.stream;
  if (inline_body) head += reply.body;
  const bool sent = co_await WriteText(stream, std::move(head));
  if (!sent) co_return false;
  if (head_only || inline_body) co_return keep_alive;
  // Not one conditional expression: g++ 12 gets a co_await in it wrong (CONTRIBUTING.md).
  bool whole = false;
  if (reply.file) {
    whole = co_await SendFile(stream, *reply.file, reply);
  } else if (reply.spans) {
    whole = co_await SendSpans(stream, reply);
  } else {
    whole = co_await SendStream(stream, std::move(reply.stream), reply.stream_length);
  }
  if (!whole) co_return false;
  co_return keep_alive;
}

asio::awaitable<bool> HttpServer::State::SendFile(beast::tcp_stream& stream,
                                                  FileSpan span,
                                                  const HttpReply& reply) {
  tcp::socket& socket = stream.socket();
  beast::error_code ignored;
  socket.native_non_blocking(true, ignored);
  StallGuard guard(socket, Chrono(limits.write_timeout));
  auto offset = static_cast<off_t>(span.offset);
  std::uint64_t left = span.length;
  std::uint64_t turn = kTurnBytes;
  while (left > 0) {
    if (reply.still_right && !reply.still_right()) co_return false;
    const ssize_t sent =
        ::sendfile(socket.native_handle(), *span.fd, &offset, std::min(left, turn));
    if (sent > 0) {
      left -= static_cast<std::uint64_t>(sent);
      turn -= static_cast<std::uint64_t>(sent);
      guard.Progress();
      if (reply.on_sent) reply.on_sent(static_cast<std::uint64_t>(sent));
      if (turn > 0) continue;
      turn = kTurnBytes;
      co_await asio::post(home, asio::use_awaitable);
      if (!socket.is_open()) co_return false;
      continue;
    }
    if (sent == 0) co_return false;  // The file became shorter: the client sees a short body.
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) co_return false;
    // basic_stream has no wait of its own; the guard stands for its write timeout.
    const auto [error] = co_await socket.async_wait(tcp::socket::wait_write, kTuple);
    if (guard.stalled()) Drop("timeout");
    if (error) co_return false;
    turn = kTurnBytes;
  }
  co_return true;
}

asio::awaitable<bool> HttpServer::State::SendSpans(beast::tcp_stream& stream,
                                                   const HttpReply& reply) {
  std::uint64_t sent = 0;
  for (;;) {
    auto span = co_await reply.spans();
    if (!span.ok()) co_return false;
    if (span->length == 0) co_return sent == reply.stream_length.value_or(0);
    sent += span->length;
    const bool whole = co_await SendFile(stream, *std::move(span), reply);
    if (!whole) co_return false;
  }
}

asio::awaitable<bool> HttpServer::State::SendStream(beast::tcp_stream& stream,
                                                    BodyStream body,
                                                    std::optional<std::uint64_t> length) {
  std::uint64_t sent = 0;
  for (;;) {
    auto piece = co_await body();
    if (!piece.ok()) co_return false;
    const bool last = piece->empty();
    if (last && length) co_return sent == *length;
    sent += piece->size();
    std::string frame =
        length ? *std::move(piece) : fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece);
    const bool written = co_await WriteText(stream, std::move(frame));
    if (!written) co_return false;
    if (last) co_return true;
  }
}

HttpServer::HttpServer(asio::any_io_executor home,
                       HttpHandler handler,
                       HttpLimits limits,
                       HttpObserver observer)
    : state_(std::make_shared<State>(
          std::move(home), std::move(handler), limits, std::move(observer))) {}

HttpServer::~HttpServer() {
  Close();
}

absl::Status HttpServer::Listen(const std::string& address) {
  const auto endpoint = ParseTcpEndpoint(address);
  if (!endpoint.ok()) return endpoint.status();
  beast::error_code error;
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return absl::OkStatus();
  acceptor.close();
  return absl::UnavailableError(fmt::format("tcp {}: {}", address, error.message()));
}

std::uint16_t HttpServer::port() const {
  beast::error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

asio::awaitable<absl::Status> HttpServer::Run() {
  const auto state = state_;
  while (!state->closed) {
    auto [error, socket] = co_await state->acceptor.async_accept(kTuple);
    if (state->closed) break;
    if (error == asio::error::no_descriptors) {
      asio::steady_timer pause(state->home, kNoDescriptorPause);
      co_await pause.async_wait(kTuple);
      continue;
    }
    if (error == asio::error::connection_aborted) continue;
    if (error) co_return absl::UnavailableError(fmt::format("accept: {}", error.message()));
    if (!state->MayConnect(socket)) continue;
    auto served = state->Serve(std::move(socket));
    asio::co_spawn(state->home, std::move(served), asio::detached);
  }
  co_return absl::CancelledError("closed");
}

void HttpServer::Close() {
  if (std::exchange(state_->closed, true)) return;
  beast::error_code ignored;
  state_->acceptor.close(ignored);
  for (beast::tcp_stream* stream : state_->connections)
    stream->cancel();
  for (beast::tcp_stream* stream : state_->connections)
    stream->socket().close(ignored);
}

}  // namespace tentacle::net
