#include "backend/api/api.h"

#include <fmt/format.h>

#include <fstream>

#include <absl/time/clock.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/openapi.inc"
#include "libs/backend_link/messages.h"
#include "libs/identity/identity.h"
#include "libs/net/retry_after.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kCookie = "octofleet_session=";
constexpr absl::Duration kSessionLifetime = absl::Hours(8);
constexpr std::size_t kMaxSessions = 1024;

std::string CookieOf(const net::HttpRequest& request) {
  const std::string_view header = request.Header("Cookie");
  const auto at = header.find(kCookie);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = header.substr(at + kCookie.size());
  return std::string(rest.substr(0, rest.find(';')));
}

}  // namespace

absl::StatusOr<json::object> ParseBody(const net::HttpRequest& request) {
  boost::system::error_code error;
  json::value value = json::parse(request.body, error);
  if (error || !value.is_object())
    return absl::InvalidArgumentError("the body is not a JSON object");
  return std::move(value.as_object());
}

std::string TextField(const json::object& body, std::string_view name, std::string_view fallback) {
  const auto* value = body.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                : std::string(fallback);
}

int NumberField(const json::object& body, std::string_view name, int fallback) {
  const auto* value = body.if_contains(name);
  if (value == nullptr || !value->is_int64()) return fallback;
  return static_cast<int>(std::clamp<std::int64_t>(value->as_int64(), -1, 1'000'000'000));
}

absl::StatusOr<int> TimeToLive(const json::object& body, int fallback) {
  const int seconds = NumberField(body, "ttlSeconds", fallback);
  if (seconds >= 1 && seconds <= kMaxTimeToLiveSeconds) return seconds;
  return absl::InvalidArgumentError(fmt::format("ttlSeconds: want 1 to {}", kMaxTimeToLiveSeconds));
}

net::HttpReply TooManyGuesses() {
  net::HttpReply reply =
      net::ProblemReply(429, "too many failures from this address: wait a minute");
  reply.headers.emplace_back("Retry-After",
                             std::to_string(absl::ToInt64Seconds(FailureLimit::kWindow)));
  return reply;
}

int IdField(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_string()) return ParseId(std::string_view(value->as_string()));
  return value->is_int64() ? ParseId(std::to_string(value->as_int64())) : 0;
}

net::HttpReply StatusReply(const absl::Status& status) {
  unsigned code = 500;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      code = 422;
      break;
    case absl::StatusCode::kUnauthenticated:
      code = 401;
      break;
    case absl::StatusCode::kNotFound:
      code = 404;
      break;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      code = 409;
      break;
    case absl::StatusCode::kUnavailable:
      code = 503;
      break;
    default:
      break;
  }
  const std::string type = net::ProblemType(status);
  net::HttpReply reply =
      net::ProblemReply(code, text::Message(status), type.empty() ? "about:blank" : type);
  if (code == 503) reply.headers.emplace_back("Retry-After", "2");
  return reply;
}

net::HttpReply Empty() {
  net::HttpReply reply;
  reply.status = 204;
  return reply;
}

net::HttpReply Api::JsonOr(absl::StatusOr<std::string> text, const std::string& name) {
  if (!text.ok()) return StatusReply(text.status());
  return net::JsonReply(
      200, name.empty() ? *std::move(text) : fmt::format(R"({{"{}":{}}})", name, *text));
}

Api::Api(Parts parts) : parts_(std::move(parts)) {
  AddSessionRoutes();
  AddNodeRoutes();
  AddTentacleRoutes();
  AddNetworkRoutes();
  AddImageRoutes();
  AddImageLinkRoutes();
  AddPrepullRoutes();
  AddTaskRoutes();
  AddJobRoutes();
  AddShellRoutes();
  AddUpdateRoutes();
}

void Api::AddSessionRoutes() {
  router_.Add("POST", "/api/v1/session", Access::kAnyone,
              [this](Call c) { return CreateSession(std::move(c)); });
  router_.Add("DELETE", "/api/v1/session", Access::kAnyone,
              [this](Call c) { return EndSession(std::move(c)); });
  router_.Add("GET", "/api/v1/events", Access::kKey,
              [this](Call) -> Reply { co_return parts_.live.Subscribe(); });
  router_.Add("GET", "/api/v1/openapi.json", Access::kAnyone,
              [](Call) -> Reply { co_return net::JsonReply(200, kOpenApi); });
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
    router_.Add("GET", path, Access::kAnyone, [this](Call c) { return parts_.admin(c.request); });
  }
}

asio::awaitable<net::HttpReply> Api::Handle(net::HttpRequest request) {
  net::HttpReply reply;
  std::string route = "asset";
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  Router::Match match = router_.Find(method, request.path);
  if (match.route != nullptr) {
    route = match.route->pattern;
    Call call{request, std::move(match.ids), 0};
    reply = co_await Authorize(*match.route, std::move(call));
  } else if (match.other_method) {
    reply = net::ProblemReply(405, "this path takes another method");
  } else if (request.path.starts_with("/api/")) {
    route = "none";
    reply = net::ProblemReply(404, "there is no such route");
  } else {
    reply = Asset(request);
  }
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  parts_.metrics.Replied(route, request.method, reply.status);
  parts_.metrics.Pages(parts_.live.subscribers());
  parts_.metrics.Online(parts_.hub.online());
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::Authorize(const Route& route, Call call) {
  const bool key = HasKey(call.request);
  if (route.access == Access::kKey && !key) {
    co_return net::ProblemReply(401, "sign in, or send the API key in X-API-Key");
  }
  if (route.access == Access::kTentacle) {
    const std::string authorization(call.request.Header("Authorization"));
    const auto node = co_await TentacleOf(authorization);
    if (!node.ok()) {
      parts_.log.Warning("api.token_refused", {{"address", call.request.remote_ip},
                                               {"reason", std::string(node.status().message())}});
      co_return StatusReply(node.status());
    }
    call.node_id = *node;
  }
  if (route.access == Access::kKeyOrCallback && !key) {
    std::string_view token = call.request.Header("Authorization");
    if (token.starts_with(kBearer)) token.remove_prefix(kBearer.size());
    auto check = [this, id = call.Id(), hash = identity::Sha256Hex(token)] {
      return parts_.tasks.CallbackTokenIs(id, hash);
    };
    const auto right = co_await async::OnPool(parts_.blocking, check);
    if (!right.ok()) co_return StatusReply(right.status());
    if (!*right) co_return net::ProblemReply(401, "the callback token is not that of this task");
  }
  co_return co_await route.handler(std::move(call));
}

bool Api::HasKey(const net::HttpRequest& request) const {
  const std::string_view key = request.Header("X-API-Key");
  if (!key.empty())
    return identity::ConstantTimeEquals(identity::Sha256Hex(key),
                                        identity::Sha256Hex(parts_.api_key));
  const std::string cookie = CookieOf(request);
  if (cookie.empty()) return false;
  const auto session = sessions_.find(identity::Sha256Hex(cookie));
  return session != sessions_.end() && session->second > absl::Now();
}

asio::awaitable<absl::StatusOr<int>> Api::TentacleOf(std::string authorization) {
  if (!authorization.starts_with(kBearer))
    co_return absl::UnauthenticatedError("want Authorization: Bearer <JWT>");
  const std::string token = authorization.substr(kBearer.size());
  const auto issuer = identity::TokenIssuer(token);
  if (!issuer.ok()) co_return absl::UnauthenticatedError(std::string(issuer.status().message()));
  const int node_id = ParseId(*issuer);
  auto read = [this, node_id] { return parts_.nodes.PublicKey(node_id); };
  const auto key = co_await async::OnPool(parts_.blocking, read);
  if (absl::IsNotFound(key.status())) co_return co_await RefusalOf(node_id, token);
  if (!key.ok()) co_return key.status();
  absl::Status status = identity::VerifyToken(token, *key, absl::Now());
  if (!status.ok()) co_return status;
  co_return node_id;
}

// Whoever can prove to be a tentacle that was removed is told so, and wipes its secrets.
asio::awaitable<absl::Status> Api::RefusalOf(int node_id, std::string token) {
  auto read = [this, node_id] { return parts_.nodes.RemovedKey(node_id); };
  const auto key = co_await async::OnPool(parts_.blocking, read);
  if (!key.ok() || !identity::VerifyToken(token, *key, absl::Now()).ok()) {
    co_return absl::UnauthenticatedError("this node is unknown here");
  }
  absl::Status removed = absl::UnauthenticatedError("this tentacle was removed from the backend");
  net::SetProblemType(removed, backend_link::kRemovedProblem);
  co_return removed;
}

asio::awaitable<net::HttpReply> Api::CreateSession(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  if (!key_guesses_.Allows(call.request.remote_ip, absl::Now())) co_return TooManyGuesses();
  const std::string given = identity::Sha256Hex(TextField(*body, "apiKey"));
  if (!identity::ConstantTimeEquals(given, identity::Sha256Hex(parts_.api_key))) {
    key_guesses_.Failed(call.request.remote_ip, absl::Now());
    parts_.log.Warning("api.sign_in_refused", {{"address", call.request.remote_ip}});
    co_return net::ProblemReply(401, "this is not the API key");
  }
  std::erase_if(sessions_, [now = absl::Now()](const auto& one) { return one.second <= now; });
  if (sessions_.size() >= kMaxSessions) co_return net::ProblemReply(503, "too many are signed in");
  const std::string cookie = identity::RandomHex(32);
  sessions_[identity::Sha256Hex(cookie)] = absl::Now() + kSessionLifetime;
  net::HttpReply reply = Empty();
  reply.headers.emplace_back(
      "Set-Cookie", fmt::format("{}{}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", kCookie,
                                cookie, absl::ToInt64Seconds(kSessionLifetime)));
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::EndSession(Call call) {
  sessions_.erase(identity::Sha256Hex(CookieOf(call.request)));
  net::HttpReply reply = Empty();
  reply.headers.emplace_back(
      "Set-Cookie", fmt::format("{}; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", kCookie));
  co_return reply;
}

}  // namespace tentacle::backend
