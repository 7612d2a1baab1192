#include "libs/net/websocket.h"

#include <chrono>
#include <deque>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include "libs/net/certificate_pin.h"

namespace tentacle::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
namespace ws = beast::websocket;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxWaitingWrites = 1024;
constexpr absl::Duration kPingInterval = absl::Seconds(20);

std::chrono::nanoseconds Chrono(absl::Duration duration) { return absl::ToChronoNanoseconds(duration); }

absl::Status FromError(std::string_view what, const beast::error_code& error) {
  const std::string text = fmt::format("{}: {}", what, error.message());
  if (error == ws::error::closed) return absl::OutOfRangeError(text);
  if (error == ws::error::message_too_big || error == ws::error::buffer_overflow ||
      error == ws::error::bad_frame_payload) {
    return absl::InvalidArgumentError(text);
  }
  if (error == asio::error::operation_aborted) return absl::CancelledError(text);
  return absl::UnavailableError(text);
}

// One connection over either kind of stream. Lives on its executor.
template <class Stream>
class BeastWebSocket final : public WebSocket, public std::enable_shared_from_this<BeastWebSocket<Stream>> {
 public:
  template <class... Args>
  BeastWebSocket(asio::any_io_executor home, WebSocketLimits limits, Args&&... args)
      : home_(home), limits_(limits), stream_(std::forward<Args>(args)...), turn_(home) {
    turn_.expires_at(asio::steady_timer::time_point::max());
    stream_.read_message_max(limits.message_bytes);
    ws::stream_base::timeout timeout{};
    timeout.handshake_timeout = Chrono(limits.handshake_timeout);
    timeout.idle_timeout = Chrono(limits.idle_timeout);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
  }

  ~BeastWebSocket() override {
    if (ping_timer_) ping_timer_->cancel();
  }

  ws::stream<Stream>& stream() { return stream_; }

  // After the handshake: begins to measure the round trip.
  void Established() {
    const std::weak_ptr<BeastWebSocket> weak = this->weak_from_this();
    auto on_control = [weak](ws::frame_type kind, beast::string_view) {
      const auto self = weak.lock();
      if (self && kind == ws::frame_type::pong) self->round_trip_ = absl::Now() - self->pinged_at_;
    };
    stream_.control_callback(on_control);
    ping_timer_ = std::make_shared<asio::steady_timer>(home_);
    auto loop = PingLoop(weak, ping_timer_);
    asio::co_spawn(home_, std::move(loop), asio::detached);
  }

  asio::awaitable<absl::StatusOr<std::string>> Read() override {
    const auto self = this->shared_from_this();
    if (closed_) co_return absl::CancelledError("websocket: closed");
    beast::flat_buffer buffer;
    const auto [error, size] = co_await stream_.async_read(buffer, kTuple);
    if (error) {
      Close();
      co_return FromError("websocket", error);
    }
    if (!stream_.got_text()) co_return absl::InvalidArgumentError("websocket: a binary message");
    co_return beast::buffers_to_string(buffer.data());
  }

  asio::awaitable<absl::Status> Write(std::string message) override {
    const auto self = this->shared_from_this();
    if (closed_) co_return absl::CancelledError("websocket: closed");
    if (busy_) {
      if (waiting_ >= kMaxWaitingWrites) co_return absl::ResourceExhaustedError("websocket: too many waiting writes");
      ++waiting_;
      co_await turn_.async_wait(kTuple);  // The one who ends hands over; busy_ stays true.
      --waiting_;
      if (closed_) co_return absl::CancelledError("websocket: closed");
    }
    busy_ = true;
    stream_.text(true);
    const auto [error, size] = co_await stream_.async_write(asio::buffer(message), kTuple);
    if (waiting_ > 0) {
      turn_.cancel_one();
    } else {
      busy_ = false;
    }
    if (!error) co_return absl::OkStatus();
    Close();
    co_return FromError("websocket", error);
  }

  absl::Duration round_trip() const override { return round_trip_; }

  void Close() override {
    if (std::exchange(closed_, true)) return;
    turn_.cancel();
    if (ping_timer_) ping_timer_->cancel();
    beast::get_lowest_layer(stream_).close();
  }

 private:
  static asio::awaitable<void> PingLoop(std::weak_ptr<BeastWebSocket> weak, std::shared_ptr<asio::steady_timer> timer) {
    for (;;) {
      {
        const auto self = weak.lock();
        if (!self || self->closed_) co_return;
        self->pinged_at_ = absl::Now();
        const auto [error] = co_await self->stream_.async_ping({}, kTuple);
        if (error) co_return;
      }
      timer->expires_after(Chrono(kPingInterval));
      const auto [stopped] = co_await timer->async_wait(kTuple);
      if (stopped) co_return;
    }
  }

  asio::any_io_executor home_;
  WebSocketLimits limits_;
  ws::stream<Stream> stream_;
  asio::steady_timer turn_;
  std::shared_ptr<asio::steady_timer> ping_timer_;
  absl::Time pinged_at_ = absl::InfinitePast();
  absl::Duration round_trip_ = absl::ZeroDuration();
  std::size_t waiting_ = 0;
  bool busy_ = false;
  bool closed_ = false;
};

struct Target {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;
  std::string host_header;
};

absl::StatusOr<Target> ParseTarget(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return absl::InvalidArgumentError(fmt::format("\"{}\" is not a URL", url));
  Target target;
  const std::string scheme(parsed->scheme());
  if (scheme == "wss" || scheme == "https") {
    target.tls = true;
  } else if (scheme != "ws" && scheme != "http") {
    return absl::InvalidArgumentError(fmt::format("\"{}\": want ws, wss, http or https", url));
  }
  target.host = parsed->host_address();
  target.port = parsed->has_port() ? std::string(parsed->port()) : (target.tls ? "443" : "80");
  target.path = parsed->encoded_path().empty() ? "/" : std::string(parsed->encoded_path());
  target.host_header = std::string(parsed->encoded_host_and_port());
  return target;
}

// The server's "detail" of a refused handshake, or its status.
absl::Status FromRefusal(const ws::response_type& response) {
  std::string text = fmt::format("the backend answered {}", response.result_int());
  const std::string& body = response.body();
  if (const auto at = body.find("\"detail\":\""); at != std::string::npos) {
    const auto from = at + 10;
    text += fmt::format(": {}", body.substr(from, body.find('"', from) - from));
  }
  if (response.result_int() == 401) return absl::UnauthenticatedError(text);
  if (response.result_int() == 403) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

template <class Socket>
asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Handshake(std::shared_ptr<Socket> socket,
                                                                      Target target,
                                                                      HeaderList headers) {
  auto decorate = [headers](ws::request_type& request) {
    for (const auto& [name, value] : headers) request.set(name, value);
    request.set(http::field::user_agent, "octofleet-tentacle");
  };
  socket->stream().set_option(ws::stream_base::decorator(decorate));
  ws::response_type response;
  const auto [error] = co_await socket->stream().async_handshake(response, target.host_header, target.path, kTuple);
  if (error == ws::error::upgrade_declined) co_return FromRefusal(response);
  if (error) co_return FromError(fmt::format("websocket handshake with {}", target.host_header), error);
  socket->Established();
  co_return std::static_pointer_cast<WebSocket>(socket);
}

asio::awaitable<absl::Status> ConnectTcp(beast::tcp_stream& stream, const Target& target, absl::Duration timeout) {
  tcp::resolver resolver(stream.get_executor());
  const auto [lookup_error, endpoints] = co_await resolver.async_resolve(target.host, target.port, kTuple);
  if (lookup_error) co_return FromError(fmt::format("looking up {}", target.host), lookup_error);
  stream.expires_after(Chrono(timeout));
  const auto [error, endpoint] = co_await stream.async_connect(endpoints, kTuple);
  if (error) co_return FromError(fmt::format("connecting to {}:{}", target.host, target.port), error);
  beast::error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  co_return absl::OkStatus();
}

absl::Status LoadAuthorities(ssl::context& context, const TlsOptions& tls) {
  beast::error_code error;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context.set_verify_mode(ssl::verify_peer);
  context.set_default_verify_paths(error);
  if (!tls.ca_file.empty()) context.load_verify_file(tls.ca_file, error);
  if (error) return absl::InvalidArgumentError(fmt::format("ca_file {}: {}", tls.ca_file, error.message()));
  return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> ConnectTls(asio::any_io_executor home,
                                                                       Target target,
                                                                       HeaderList headers,
                                                                       TlsOptions tls,
                                                                       WebSocketLimits limits) {
  using Stream = beast::ssl_stream<beast::tcp_stream>;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  if (absl::Status status = LoadAuthorities(*context, tls); !status.ok()) co_return status;
  auto socket = std::make_shared<BeastWebSocket<Stream>>(home, limits, home, *context);
  Stream& stream = socket->stream().next_layer();
  stream.set_verify_callback(ssl::host_name_verification(target.host));
  // What SSL_set_tlsext_host_name() expands to, without its C cast (RFC 6066 section 3).
  SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, target.host.data());
  if (absl::Status status = co_await ConnectTcp(beast::get_lowest_layer(stream), target, limits.handshake_timeout);
      !status.ok()) {
    co_return status;
  }
  const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kTuple);
  if (error) {
    const long verdict = SSL_get_verify_result(stream.native_handle());
    if (verdict == X509_V_OK) co_return FromError(fmt::format("TLS with {}", target.host), error);
    co_return absl::UnauthenticatedError(
        fmt::format("certificate of {} is refused: {}", target.host, X509_verify_cert_error_string(verdict)));
  }
  // Before a byte of ours is sent.
  if (absl::Status status = CheckPin(stream.native_handle(), tls.pins); !status.ok()) co_return status;
  beast::get_lowest_layer(stream).expires_never();
  co_return co_await Handshake(std::move(socket), std::move(target), std::move(headers));
}

}  // namespace

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> WebSocket::Connect(asio::any_io_executor home,
                                                                               std::string url,
                                                                               HeaderList headers,
                                                                               TlsOptions tls,
                                                                               WebSocketLimits limits) {
  auto target = ParseTarget(url);
  if (!target.ok()) co_return target.status();
  if (target->tls) {
    co_return co_await ConnectTls(home, *std::move(target), std::move(headers), std::move(tls), limits);
  }
  auto socket = std::make_shared<BeastWebSocket<beast::tcp_stream>>(home, limits, home);
  beast::tcp_stream& stream = socket->stream().next_layer();
  if (absl::Status status = co_await ConnectTcp(stream, *target, limits.handshake_timeout); !status.ok()) {
    co_return status;
  }
  stream.expires_never();
  co_return co_await Handshake(std::move(socket), *std::move(target), std::move(headers));
}

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> WebSocket::Accept(
    std::shared_ptr<UpgradedConnection> connection, WebSocketLimits limits) {
  const auto home = connection->socket.get_executor();
  http::request<http::string_body> request(http::verb::get, connection->request.path, 11);
  for (const auto& [name, value] : connection->request.headers) request.insert(name, value);
  auto socket =
      std::make_shared<BeastWebSocket<beast::tcp_stream>>(home, limits, std::move(connection->socket));
  const auto [error] = co_await socket->stream().async_accept(request, kTuple);
  if (error) co_return FromError("websocket accept", error);
  socket->Established();
  co_return std::static_pointer_cast<WebSocket>(socket);
}

}  // namespace tentacle::net
