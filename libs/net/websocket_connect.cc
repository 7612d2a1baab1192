// The client side: look-up, TCP, proxy, TLS and handshake within one time limit.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/net/beast_websocket.h"
#include "libs/net/retry_after.h"
#include "libs/net/tunnel.h"
#include "libs/net/websocket.h"

namespace tentacle::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
namespace ssl = asio::ssl;
namespace ws = beast::websocket;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxDetailBytes = 300;  // Of a server's sentence in our error.

// One attempt, from the look-up on.
struct Attempt {
  Target target;
  std::optional<Proxy> proxy;
  HeaderList headers;
  Clock::time_point deadline;

  absl::Duration left() const { return absl::FromChrono(deadline - Clock::now()); }
};

// "detail" or "type" of a refusal (RFC 9457).
std::string ProblemField(const std::string& body, const char* name) {
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object()) return "";
  const auto* field = value.as_object().if_contains(name);
  if (field == nullptr || !field->is_string()) return "";
  return std::string(field->as_string()).substr(0, kMaxDetailBytes);
}

absl::Status FromRefusal(const ws::response_type& response) {
  const std::string detail = ProblemField(response.body(), "detail");
  const std::string text = fmt::format("the backend answered {}{}{}", response.result_int(),
                                       detail.empty() ? "" : ": ", detail);
  absl::Status status = absl::UnavailableError(text);
  if (response.result_int() == 401) status = absl::UnauthenticatedError(text);
  if (response.result_int() == 403) status = absl::PermissionDeniedError(text);
  SetProblemType(status, ProblemField(response.body(), "type"));
  const auto header = [&response](http::field name) {
    const auto value = response[name];
    return std::string_view(value.data(), value.size());
  };
  const auto wait = ParseRetryAfter(header(http::field::retry_after), header(http::field::date));
  if (wait) SetRetryAfter(status, *wait);
  const auto time = ParseHttpDate(header(http::field::date));
  if (time) SetServerTime(status, *time);
  return status;
}

// What a look-up that may outlive its asker leaves behind.
struct Lookup {
  Lookup(asio::any_io_executor home, Clock::time_point deadline)
      : resolver(home), done(home, deadline) {}

  tcp::resolver resolver;
  asio::steady_timer done;
  beast::error_code error = asio::error::timed_out;
  std::vector<tcp::endpoint> endpoints;
};

// getaddrinfo(3) cannot be stopped: when the time is up it is left to itself.
asio::awaitable<absl::StatusOr<std::vector<tcp::endpoint>>> Resolve(std::string host,
                                                                    std::uint16_t port,
                                                                    Clock::time_point deadline) {
  auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor, deadline);
  auto found = [lookup](const beast::error_code& error,
                        const tcp::resolver::results_type& results) {
    lookup->error = error;
    for (const auto& result : results)
      lookup->endpoints.push_back(result.endpoint());
    lookup->done.cancel();
  };
  lookup->resolver.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
                                 std::move(found));
  co_await lookup->done.async_wait(kTuple);
  if (lookup->error == asio::error::timed_out) {
    co_return absl::DeadlineExceededError(fmt::format("looking up {}: no answer in time", host));
  }
  if (lookup->error) co_return StatusFromError(fmt::format("looking up {}", host), lookup->error);
  co_return std::move(lookup->endpoints);
}

// To the proxy if there is one, and through it. Of several addresses each gets its share of the
// time, so that a first one that swallows packets (half-working IPv6) does not use it up.
asio::awaitable<absl::Status> OpenLine(beast::tcp_stream& stream, const Attempt& attempt) {
  const std::string& host = attempt.proxy ? attempt.proxy->host : attempt.target.host;
  const std::uint16_t port = attempt.proxy ? attempt.proxy->port : attempt.target.port;
  const std::string where =
      attempt.proxy ? "proxy " + attempt.proxy->Name() : attempt.target.Authority();
  const auto endpoints = co_await Resolve(host, port, attempt.deadline);
  if (!endpoints.ok()) co_return endpoints.status();
  beast::error_code error = asio::error::host_not_found;
  std::size_t untried = endpoints->size();
  for (const tcp::endpoint& endpoint : *endpoints) {
    stream.expires_after(Chrono(attempt.left() / static_cast<std::int64_t>(untried--)));
    const auto [refused] = co_await stream.async_connect(endpoint, kTuple);
    error = refused;
    if (!error) break;
    beast::error_code ignored;
    stream.socket().close(ignored);
  }
  if (error) co_return StatusFromError(fmt::format("connecting to {}", where), error);
  beast::error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  stream.expires_at(attempt.deadline);
  if (!attempt.proxy) co_return absl::OkStatus();
  co_return co_await OpenTunnel(stream, *attempt.proxy, attempt.target.Authority());
}

template <class Stream>
asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> Upgrade(
    std::shared_ptr<BeastWebSocket<Stream>> socket, Attempt attempt) {
  auto decorate = [headers = attempt.headers](ws::request_type& request) {
    for (const auto& [name, value] : headers)
      request.set(name, value);
    request.set(http::field::user_agent, "octofleet-tentacle");
  };
  // From here on the WebSocket's own timer measures.
  beast::get_lowest_layer(socket->stream()).expires_never();
  socket->SetHandshakeTimeout(std::max(attempt.left(), absl::Milliseconds(1)));
  socket->stream().set_option(ws::stream_base::decorator(decorate));
  ws::response_type response;
  const auto [error] = co_await socket->stream().async_handshake(
      response, attempt.target.host_header, attempt.target.resource, kTuple);
  if (error == ws::error::upgrade_declined) co_return FromRefusal(response);
  if (error)
    co_return StatusFromError(
        fmt::format("websocket handshake with {}", attempt.target.Authority()), error);
  socket->Established();
  co_return std::static_pointer_cast<WebSocket>(socket);
}

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> ConnectTls(asio::any_io_executor home,
                                                                       Attempt attempt,
                                                                       TlsOptions tls,
                                                                       WebSocketLimits limits) {
  using Stream = beast::ssl_stream<beast::tcp_stream>;
  ssl::context context(ssl::context::tls_client);
  TlsVerifier verifier(std::move(tls), attempt.target.host);
  if (absl::Status status = verifier.Install(context.native_handle()); !status.ok())
    co_return status;
  auto socket = std::make_shared<BeastWebSocket<Stream>>(home, limits, home, context);
  Stream& stream = socket->stream().next_layer();
  if (!IsIpLiteral(attempt.target.host)) {
    // RFC 6066 section 3: names only. This is what SSL_set_tlsext_host_name() expands to, without
    // its C cast.
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             attempt.target.host.data());
  }
  const absl::Status line = co_await OpenLine(beast::get_lowest_layer(stream), attempt);
  if (!line.ok()) co_return line;
  const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kTuple);
  if (!verifier.verdict().ok()) co_return verifier.verdict();
  const std::string what = fmt::format("TLS with {}", attempt.target.Authority());
  if (error && error.category() == asio::error::get_ssl_category()) {
    co_return absl::UnavailableError(fmt::format("{}: {}", what, TlsErrorText(error.message())));
  }
  if (error) co_return StatusFromError(what, error);
  co_return co_await Upgrade(std::move(socket), std::move(attempt));
}

}  // namespace

asio::awaitable<absl::StatusOr<std::shared_ptr<WebSocket>>> WebSocket::Connect(
    asio::any_io_executor home,
    std::string url,
    HeaderList headers,
    TlsOptions tls,
    WebSocketLimits limits,
    EnvironmentLookup environment) {
  auto target = ParseTarget(url);
  if (!target.ok()) co_return target.status();
  auto proxy = ChooseProxy(*target, environment);
  if (!proxy.ok()) co_return proxy.status();
  const auto deadline = Clock::now() + Chrono(limits.handshake_timeout);
  Attempt attempt{*std::move(target), *std::move(proxy), std::move(headers), deadline};
  if (attempt.target.tls) {
    co_return co_await ConnectTls(home, std::move(attempt), std::move(tls), limits);
  }
  auto socket = std::make_shared<BeastWebSocket<beast::tcp_stream>>(home, limits, home);
  const absl::Status line = co_await OpenLine(socket->stream().next_layer(), attempt);
  if (!line.ok()) co_return line;
  co_return co_await Upgrade(std::move(socket), std::move(attempt));
}

}  // namespace tentacle::net
