// Signing in and out, and the keys that people and programs sign in with.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kKeyBytes = 32;

json::object Named(std::string_view name, Role role) {
  const std::string_view text = RoleName(role);
  return {{"name", json::string_view(name.data(), name.size())},
          {"role", json::string_view(text.data(), text.size())}};
}

}  // namespace

void Api::AddSessionRoutes() {
  router_.Add("POST", "/api/v1/session", Access::kAnyone,
              [this](Call c) { return CreateSession(std::move(c)); });
  router_.Add("GET", "/api/v1/session", Access::kViewer, [](Call c) -> Reply {
    co_return net::JsonReply(200, json::serialize(Named(c.caller.name, c.caller.role)));
  });
  router_.Add("DELETE", "/api/v1/session", Access::kAnyone, [this](Call c) -> Reply {
    net::HttpReply reply = Empty();
    reply.headers.emplace_back("Set-Cookie", callers_.SignOut(c.request));
    co_return reply;
  });
}

void Api::AddKeyRoutes() {
  router_.Add("POST", "/api/v1/api-keys", Access::kAdmin,
              [this](Call c) { return CreateKey(std::move(c)); });
  router_.Add("GET", "/api/v1/api-keys", Access::kAdmin,
              [this](Call) { return Json([this] { return parts_.keys.List(); }, "keys"); });
  router_.Add("GET", "/api/v1/audit", Access::kAdmin,
              [this](Call) { return Json([this] { return parts_.keys.ListActs(); }, "acts"); });
  router_.Add("DELETE", "/api/v1/api-keys/{id}", Access::kAdmin, [this](Call c) -> Reply {
    auto revoke = [this, id = c.Id()] { return parts_.keys.Revoke(id); };
    const absl::Status status = co_await async::OnPool(parts_.blocking, revoke);
    co_return status.ok() ? Empty() : StatusReply(status);
  });
}

asio::awaitable<net::HttpReply> Api::CreateSession(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  if (!key_guesses_.Allows(call.request.remote_ip, absl::Now())) co_return TooManyGuesses();
  auto cookie = co_await callers_.SignIn(TextField(*body, "apiKey"));
  if (absl::IsUnauthenticated(cookie.status())) {
    key_guesses_.Failed(call.request.remote_ip, absl::Now());
    parts_.log.Warning("api.sign_in_refused", {{"address", call.request.remote_ip}});
    co_return net::ProblemReply(401, "this is not an API key, or it was revoked");
  }
  if (absl::IsResourceExhausted(cookie.status()))
    co_return net::ProblemReply(503, text::Message(cookie.status()));
  if (!cookie.ok()) co_return StatusReply(cookie.status());
  net::HttpReply reply = Empty();
  reply.headers.emplace_back("Set-Cookie", *std::move(cookie));
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::CreateKey(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const auto role = ParseRole(TextField(*body, "role"));
  if (!role) co_return net::ProblemReply(422, "role: want viewer, operator or admin");
  NewKey key{TextField(*body, "name"), *role, "", call.caller.name};
  if (!IsKeyName(key.name)) {
    co_return net::ProblemReply(422,
                                fmt::format("name: want 1 to 64 printable characters without a "
                                            "comma, and not {}",
                                            kRootKeyName));
  }
  const std::string secret = identity::RandomHex(kKeyBytes);
  key.sha256 = identity::Sha256Hex(secret);
  auto add = [this, &key] { return parts_.keys.Add(key); };
  const auto id = co_await async::OnPool(parts_.blocking, add);
  if (!id.ok()) co_return StatusReply(id.status());
  json::object answer = Named(key.name, key.role);
  answer["id"] = std::to_string(*id);
  answer["key"] = secret;
  co_return net::JsonReply(201, json::serialize(answer));
}

}  // namespace tentacle::backend
