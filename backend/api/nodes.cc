// Nodes, tentacles, enrollment, and commands to tentacles.
#include <fmt/format.h>

#include <absl/time/clock.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "libs/config/config.h"
#include "libs/identity/identity.h"
#include "libs/text/view.h"
#include "libs/wire/mac_address.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxNameBytes = 120;
constexpr std::size_t kMaxWakePasswordBytes = 17;  // Six octets with colons.
constexpr std::size_t kPublicKeyBytes = 32;
constexpr int kMaxTokenUses = 10'000;
constexpr int kMaxTokenHours = 24 * 365;
constexpr int kDefaultCommandSeconds = 3600;

absl::StatusOr<Enrollee> ReadEnrollee(const json::object& body) {
  Enrollee enrollee;
  enrollee.name = TextField(body, "name");
  enrollee.hostname = TextField(body, "hostname");
  enrollee.machine_id = TextField(body, "machineId");
  enrollee.public_key = TextField(body, "publicKey");
  enrollee.version = TextField(body, "version");
  enrollee.os = TextField(body, "os");
  enrollee.arch = TextField(body, "arch");
  const auto* network = body.if_contains("network");
  const bool has_network = network != nullptr && network->is_object();
  enrollee.network_json = has_network ? json::serialize(*network) : "{}";
  if (const auto* interfaces =
          has_network ? network->as_object().if_contains("interfaces") : nullptr) {
    if (!interfaces->is_array())
      return absl::InvalidArgumentError("network.interfaces: want a list");
  }
  const auto key = identity::Base64Decode(enrollee.public_key);
  if (!key.ok() || key->size() != kPublicKeyBytes) {
    return absl::InvalidArgumentError("publicKey: want a raw Ed25519 key in base64");
  }
  if (enrollee.name.empty()) enrollee.name = enrollee.hostname;
  if (enrollee.name.empty() || enrollee.name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(fmt::format("name: want 1 to {} bytes", kMaxNameBytes));
  }
  return enrollee;
}

net::HttpReply ComeLater(absl::Duration later) {
  const auto seconds = absl::ToInt64Seconds(absl::Ceil(later, absl::Seconds(1)));
  net::HttpReply reply =
      net::ProblemReply(503, "too many tentacles come at once: come again later");
  reply.headers.emplace_back("Retry-After", std::to_string(seconds));
  return reply;
}

}  // namespace

void Api::AddNodeRoutes() {
  router_.Add("POST", "/api/v1/enrollment-tokens", Access::kAdmin,
              [this](Call c) { return CreateToken(std::move(c)); });
  router_.Add("GET", "/api/v1/enrollment-tokens", Access::kAdmin, [this](Call) {
    return Json([this] { return parts_.nodes.ListTokens(); }, "tokens");
  });
  router_.Add("DELETE", "/api/v1/enrollment-tokens/{id}", Access::kAdmin, [this](Call c) -> Reply {
    auto revoke = [this, id = c.Id()] { return parts_.nodes.RevokeToken(id); };
    const absl::Status status = co_await async::OnPool(parts_.blocking, revoke);
    co_return status.ok() ? Empty() : StatusReply(status);
  });
  router_.Add("GET", "/api/v1/nodes", Access::kViewer, [this](Call) {
    return Json([this] { return parts_.nodes.ListNodes(false); }, "nodes");
  });
  router_.Add("GET", "/api/v1/nodes/{id}", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.GetNode(id); });
  });
  router_.Add("GET", "/api/v1/nodes/{id}/inventory", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.Inventory(id); });
  });
  router_.Add("GET", "/api/v1/nodes/{id}/units", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.Units(id); }, "units");
  });
  router_.Add("GET", "/api/v1/nodes/{id}/journal", Access::kViewer, [this](Call c) {
    const auto number = [&c](std::string_view name, int fallback, int most) {
      const auto given = c.request.Query(name);
      return given ? std::clamp(std::atoi(given->c_str()), 0, most) : fallback;
    };
    const NodeStore::JournalQuery query{
        c.request.Query("q").value_or(""), c.request.Query("unit").value_or(""),
        number("priority", 7, 7), number("minutes", 60, 7 * 1440), number("limit", 200, 1000)};
    return Json([this, id = c.Id(), query] { return parts_.nodes.Journal(id, query); }, "entries");
  });
  router_.Add("GET", "/api/v1/nodes/{id}/metrics", Access::kViewer, [this](Call c) {
    const int minutes =
        std::clamp(std::atoi(c.request.Query("minutes").value_or("60").c_str()), 1, 1440);
    return Json([this, id = c.Id(), minutes] { return parts_.nodes.Metrics(id, minutes); },
                "samples");
  });
}

void Api::AddTentacleRoutes() {
  router_.Add("POST", "/api/v1/tentacles/enroll", Access::kAnyone,
              [this](Call c) { return Enroll(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/ws", Access::kTentacle,
              [this](Call c) { return OpenSocket(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles", Access::kViewer, [this](Call) {
    return Json([this] { return parts_.nodes.ListNodes(true); }, "tentacles");
  });
  router_.Add("GET", "/api/v1/tentacles/{id}", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.GetNode(id); });
  });
  router_.Add("PUT", "/api/v1/tentacles/{id}", Access::kAdmin,
              [this](Call c) { return UpdateTentacle(std::move(c)); });
  router_.Add("DELETE", "/api/v1/tentacles/{id}", Access::kAdmin,
              [this](Call c) { return DeleteTentacle(std::move(c)); });
  router_.Add("DELETE", "/api/v1/tentacles/{id}/clone", Access::kAdmin, [this](Call c) -> Reply {
    auto forget = [this, id = c.Id()] { return parts_.presence.ForgetClone(id); };
    const absl::Status status = co_await async::OnPool(parts_.blocking, forget);
    parts_.live.Publish({"node", std::to_string(c.Id())});
    co_return status.ok() ? Empty() : StatusReply(status);
  });
  router_.Add("GET", "/api/v1/tentacles/{id}/boots", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.Boots(id); }, "boots");
  });
  router_.Add("GET", "/api/v1/tentacles/{id}/images", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.nodes.Images(id); }, "images");
  });
  router_.Add("POST", "/api/v1/tentacles/{id}/scan", Access::kOperator,
              [this](Call c) { return Command(std::move(c), "scan.start"); });
  router_.Add("POST", "/api/v1/tentacles/{id}/wake", Access::kOperator,
              [this](Call c) { return Command(std::move(c), "wake"); });
  router_.Add("POST", "/api/v1/tentacles/{id}/prepull", Access::kOperator,
              [this](Call c) { return Command(std::move(c), "image.prepull"); });
}

asio::awaitable<net::HttpReply> Api::CreateToken(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const std::string token = identity::RandomHex(32);
  NewToken fresh{identity::Sha256Hex(token),        token.substr(0, 8),
                 TextField(*body, "description"),   TextField(*body, "createdBy", call.caller.name),
                 NumberField(*body, "maxUses", 10), NumberField(*body, "expiresHours", 24),
                 TextField(*body, "name")};
  if (fresh.max_uses < 1 || fresh.max_uses > kMaxTokenUses) {
    co_return net::ProblemReply(422, fmt::format("maxUses: want 1 to {}", kMaxTokenUses));
  }
  if (fresh.expires_hours < 1 || fresh.expires_hours > kMaxTokenHours) {
    co_return net::ProblemReply(422, fmt::format("expiresHours: want 1 to {}", kMaxTokenHours));
  }
  if (fresh.node_name.size() > kMaxNameBytes) co_return net::ProblemReply(422, "name: too long");
  auto add = [this, fresh] { return parts_.nodes.AddToken(fresh); };
  const auto added = co_await async::OnPool(parts_.blocking, add);
  if (!added.ok()) co_return StatusReply(added.status());
  json::object answer = json::parse(*added).as_object();
  answer["token"] = token;  // Shown once, here.
  co_return net::JsonReply(201, json::serialize(answer));
}

asio::awaitable<net::HttpReply> Api::Enroll(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  if (!token_guesses_.Allows(call.request.remote_ip, absl::Now())) co_return TooManyGuesses();
  const auto enrollee = ReadEnrollee(*body);
  if (!enrollee.ok()) co_return StatusReply(enrollee.status());
  auto enroll = [this, hash = identity::Sha256Hex(TextField(*body, "token")), &enrollee] {
    return parts_.nodes.Enroll(hash, *enrollee);
  };
  const auto enrolled = co_await async::OnPool(parts_.blocking, enroll);
  if (!enrolled.ok()) {
    if (absl::IsUnauthenticated(enrolled.status()))
      token_guesses_.Failed(call.request.remote_ip, absl::Now());
    parts_.log.Warning("api.enrollment_refused",
                       {{"address", call.request.remote_ip},
                        {"reason", std::string(enrolled.status().message())}});
    co_return StatusReply(enrolled.status());
  }
  const std::string id = std::to_string(enrolled->node_id);
  parts_.log.Info("api.enrolled",
                  {{"node", id}, {"name", enrollee->name}, {"address", call.request.remote_ip}});
  parts_.live.Publish({"node", id});
  const json::value answer = {{"nodeId", id},
                              {"name", enrollee->name},
                              {"config", json::parse(enrolled->config_json)},
                              {"commandKey", parts_.signing_key.PublicKeyBase64()},
                              {"pins", json::array()}};
  co_return net::JsonReply(201, json::serialize(answer));
}

asio::awaitable<net::HttpReply> Api::OpenSocket(Call call) {
  if (!call.request.Header("Upgrade").starts_with("websocket")) {
    co_return net::ProblemReply(400, "this route speaks WebSocket");
  }
  if (const auto later = parts_.hub.MayArrive(absl::Now())) co_return ComeLater(*later);
  // Without the signature, which can be written down in more than one way.
  std::string_view token = call.request.Header("Authorization");
  token = token.substr(0, token.rfind('.'));
  auto use = [this, hash = identity::Sha256Hex(token)] { return parts_.presence.UseToken(hash); };
  const absl::Status used = co_await async::OnPool(parts_.blocking, use);
  if (!used.ok()) {
    parts_.log.Warning("api.token_refused", {{"address", call.request.remote_ip},
                                             {"reason", std::string(used.message())}});
    co_return StatusReply(used);
  }
  net::HttpReply reply;
  reply.status = 101;
  reply.upgrade = [this,
                   node_id = call.node_id](std::shared_ptr<net::UpgradedConnection> connection) {
    return parts_.hub.Serve(node_id, std::move(connection));
  };
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::UpdateTentacle(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const std::string name = TextField(*body, "name");
  if (name.size() > kMaxNameBytes) co_return net::ProblemReply(422, "name: too long");
  if (TextField(*body, "site").size() > kMaxNameBytes)
    co_return net::ProblemReply(422, "site: too long");
  std::string config_json;
  if (const auto* given = body->if_contains("config")) {
    config_json = json::serialize(*given);
    // What a tentacle would refuse is refused here already, with the same words.
    config::TentacleConfig config = config::Defaults();
    absl::Status status = config::MergeRemote(config_json, &config);
    if (status.ok()) status = config::Validate(config);
    if (!status.ok()) co_return StatusReply(status);
  }
  const int id = call.Id();
  auto update = [this, id, name, config_json] {
    return parts_.nodes.Update(id, name, config_json);
  };
  const auto revision = co_await async::OnPool(parts_.blocking, update);
  if (!revision.ok()) co_return StatusReply(revision.status());
  if (body->contains("site")) {
    auto move = [this, id, site = TextField(*body, "site")] {
      return parts_.sites.SetSite(id, site);
    };
    const absl::Status moved = co_await async::OnPool(parts_.blocking, move);
    if (!moved.ok()) co_return StatusReply(moved);
  }
  parts_.live.Publish({"node", std::to_string(id)});
  auto get = [this, id] { return parts_.nodes.GetNode(id); };
  co_return co_await Json(get);
}

asio::awaitable<net::HttpReply> Api::DeleteTentacle(Call call) {
  const int id = call.Id();
  auto remove = [this, id] { return parts_.nodes.Delete(id); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, remove);
  if (!status.ok()) co_return StatusReply(status);
  parts_.log.Info("api.tentacle_removed", {{"node", id}});
  parts_.live.Publish({"node", std::to_string(id)});
  co_return Empty();
}

asio::awaitable<net::HttpReply> Api::Command(Call call, std::string type) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  json::object message;
  json::object secrets;
  if (type == "wake") {
    const auto mac = wire::ParseMac(TextField(*body, "mac"));
    if (!mac.ok())
      co_return net::ProblemReply(422, fmt::format("mac: {}", text::Message(mac.status())));
    message["mac"] = mac->ToString();
    // The SecureOn password.
    const std::string password = TextField(*body, "password");
    if (password.size() > kMaxWakePasswordBytes)
      co_return net::ProblemReply(422, "password: too long");
    if (!password.empty()) secrets["password"] = password;
  } else if (type == "image.prepull") {
    message["imageId"] = TextField(*body, "imageId");
    if (message["imageId"].as_string().empty())
      co_return net::ProblemReply(422, "imageId: is missing");
  }
  const auto ttl = TimeToLive(*body, kDefaultCommandSeconds);
  if (!ttl.ok()) co_return StatusReply(ttl.status());
  const int id = call.Id();
  auto add = [this, id, type, text = json::serialize(message), ttl = *ttl,
              secret_text = json::serialize(secrets)] {
    return parts_.nodes.AddCommand(id, type, text, ttl, secret_text);
  };
  const auto command = co_await async::OnPool(parts_.blocking, add);
  if (!command.ok()) {
    // The one thing that can be wrong with it is the node.
    if (absl::IsInvalidArgument(command.status()))
      co_return net::ProblemReply(404, "there is no such tentacle");
    co_return StatusReply(command.status());
  }
  co_return net::JsonReply(202, fmt::format(R"({{"commandId":"{}"}})", *command));
}

}  // namespace tentacle::backend
