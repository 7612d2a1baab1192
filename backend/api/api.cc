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

Role NeededRole(Access access) {
  switch (access) {
    case Access::kViewer:
      return Role::kViewer;
    case Access::kOperator:
    case Access::kOperatorOrCallback:
      return Role::kOperator;
    default:
      return Role::kAdmin;
  }
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
    case absl::StatusCode::kPermissionDenied:
      code = 403;
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

Api::Api(Parts parts)
    : parts_(std::move(parts)), callers_(parts_.keys, parts_.blocking, parts_.api_key) {
  AddSessionRoutes();
  AddKeyRoutes();
  AddServerRoutes();
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

void Api::AddServerRoutes() {
  router_.Add("GET", "/api/v1/events", Access::kViewer,
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
    Call call{request, std::move(match.ids), 0, {}};
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
  switch (route.access) {
    case Access::kAnyone:
      co_return co_await route.handler(std::move(call));
    case Access::kTentacle: {
      const std::string authorization(call.request.Header("Authorization"));
      const auto node = co_await TentacleOf(authorization);
      if (!node.ok()) {
        parts_.log.Warning("api.token_refused", {{"address", call.request.remote_ip},
                                                 {"reason", std::string(node.status().message())}});
        co_return StatusReply(node.status());
      }
      call.node_id = *node;
      co_return co_await route.handler(std::move(call));
    }
    case Access::kOperatorOrCallback: {
      if (call.request.Header("Authorization").empty() || !call.request.Header("X-API-Key").empty())
        break;
      const absl::Status right = co_await CheckCallback(call);
      if (!right.ok()) co_return StatusReply(right);
      co_return co_await route.handler(std::move(call));
    }
    case Access::kViewer:
    case Access::kOperator:
    case Access::kAdmin:
      break;
  }
  co_return co_await ForCaller(route, std::move(call));
}

asio::awaitable<net::HttpReply> Api::ForCaller(const Route& route, Call call) {
  const net::HttpRequest& request = call.request;
  auto found = co_await callers_.Of(request);
  if (!found.ok()) co_return StatusReply(found.status());
  const Caller caller = *std::move(found);
  call.caller = caller;
  const Role needed = NeededRole(route.access);
  net::HttpReply reply;
  if (caller.role < needed) {
    reply =
        net::ProblemReply(403, fmt::format("this needs the role {}, and the key {} has {}",
                                           RoleName(needed), caller.name, RoleName(caller.role)));
  } else {
    reply = co_await route.handler(std::move(call));
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads || reply.status == 403) {
    Act act{caller, request.remote_ip, request.method, request.path, reply.status};
    co_await NoteAct(std::move(act));
  }
  co_return reply;
}

// Before the answer goes out: who changes something is on record.
asio::awaitable<void> Api::NoteAct(Act act) {
  auto note = [this, &act] { return parts_.keys.Note(act); };
  const absl::Status noted = co_await async::OnPool(parts_.blocking, note);
  if (noted.ok()) co_return;
  parts_.log.Error("api.act_not_stored", {{"by", act.by.name},
                                          {"method", act.method},
                                          {"path", act.path},
                                          {"status", act.status},
                                          {"reason", std::string(noted.message())}});
}

asio::awaitable<absl::Status> Api::CheckCallback(const Call& call) {
  std::string_view token = call.request.Header("Authorization");
  if (token.starts_with(kBearer)) token.remove_prefix(kBearer.size());
  auto check = [this, id = call.Id(), hash = identity::Sha256Hex(token)] {
    return parts_.tasks.CallbackTokenIs(id, hash);
  };
  const auto right = co_await async::OnPool(parts_.blocking, check);
  if (!right.ok()) co_return right.status();
  if (!*right) co_return absl::UnauthenticatedError("the callback token is not that of this task");
  co_return absl::OkStatus();
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

}  // namespace tentacle::backend
