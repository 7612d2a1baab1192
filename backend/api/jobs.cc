// Jobs: made, signed, listed, cancelled.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "libs/backend_link/job.h"
#include "libs/backend_link/order.h"
#include "libs/identity/signed_order.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int kDefaultJobSeconds = 300;
constexpr int kMaxJobSeconds = 24 * 3600;
// A branch that is closed over night gets its job in the morning.
constexpr int kDefaultJobTtlSeconds = 24 * 3600;
constexpr int kInventorySeconds = 3600;
// Id, type and acknowledgement around an order.
constexpr std::size_t kEnvelopeBytes = 1024;
constexpr std::size_t kSaltBytes = 32;

struct KindRow {
  std::string_view command_type;  // As the platform names it.
  std::string_view job_type;
};

constexpr std::array<KindRow, 7> kKinds = {{{"script", "script"},
                                            {"run", "command"},
                                            {"command", "command"},
                                            {"package", "package"},
                                            {"install_package", "package"},
                                            {"service", "service"},
                                            {"inventory", "inventory"}}};

struct OrderedJob {
  json::object order;       // As the tentacle will read it, with the id of the instance to come.
  json::object shown;       // As people find it later: no secret is in it.
  std::string credentials;  // Beside the order: a salt and the secrets; "": none.
};

// A secret that can be guessed could be guessed from its digest, too: hence the salt.
std::string CredentialsText(const json::value& credentials) {
  return json::serialize(
      json::object{{"salt", identity::RandomHex(kSaltBytes)}, {"credentials", credentials}});
}

absl::StatusOr<OrderedJob> ReadJob(const json::object& body,
                                   std::string_view job_type,
                                   int timeout) {
  const auto* data = body.if_contains("commandData");
  if (data == nullptr || !data->is_object())
    return absl::InvalidArgumentError("commandData: want an object");
  json::object job = data->as_object();
  job["id"] = "job-0";
  job["type"] = json::string_view(job_type.data(), job_type.size());
  job["timeoutSeconds"] = timeout;
  // The platform names one package.
  if (auto* package = job.if_contains("package"); package != nullptr && package->is_string()) {
    job["packages"] = json::array{*package};
    if (!job.contains("action")) job["action"] = "install";
  }
  for (const auto& [ours, theirs] :
       {std::pair{"notBefore", "scheduledAt"}, std::pair{"notAfter", "expiresAt"}}) {
    if (const auto* time = body.if_contains(theirs); time != nullptr && !time->is_null())
      job[ours] = *time;
  }
  job.erase("credentialsSha256");
  auto read = backend_link::ParseJob(job);
  if (!read.ok()) return read.status();
  OrderedJob ordered{std::move(job), data->as_object(), ""};
  if (read->credentials.empty()) return ordered;
  ordered.credentials = CredentialsText(ordered.order.at("credentials"));
  ordered.order.erase("credentials");
  ordered.order["credentialsSha256"] = identity::Sha256Hex(ordered.credentials);
  json::array names;
  for (const auto& [name, value] : read->credentials)
    names.emplace_back(name);
  ordered.shown["credentials"] = std::move(names);
  return ordered;
}

}  // namespace

void Api::AddJobRoutes() {
  router_.Add("POST", "/api/v1/jobs", Access::kOperator,
              [this](Call c) { return CreateJob(std::move(c)); });
  router_.Add("GET", "/api/v1/jobs", Access::kViewer, [this](Call c) -> Reply {
    const auto given = c.request.Query("nodeId");
    const int node = ParseId(given.value_or(""));
    if (given && node == 0) co_return net::ProblemReply(422, "nodeId: want the id of a node");
    auto list = [this, node] { return parts_.jobs.List(node); };
    co_return co_await Json(list, "jobs");
  });
  router_.Add("GET", "/api/v1/jobs/{id}", Access::kViewer,
              [this](Call c) { return Json([this, id = c.Id()] { return parts_.jobs.Get(id); }); });
  router_.Add("GET", "/api/v1/jobs/{id}/instances/{instance}/output", Access::kViewer,
              [this](Call c) { return WatchJob(std::move(c)); });
  router_.Add("GET", "/api/v1/nodes/{id}/metrics/live", Access::kViewer,
              [this](Call c) -> Reply { co_return parts_.watches.Watch(c.Id(), {}); });
  router_.Add("DELETE", "/api/v1/jobs/{id}", Access::kOperator,
              [this](Call c) { return CancelJob(std::move(c)); });
}

std::string Api::SignedBody(int node,
                            std::string_view type,
                            absl::Time expires_at,
                            json::object order,
                            json::object beside) const {
  const std::string text =
      backend_link::OrderText(type, std::to_string(node), expires_at, std::move(order));
  beside["signature"] = identity::SignOrder(parts_.signing_key, text);
  beside["order"] = text;
  return json::serialize(beside);
}

asio::awaitable<net::HttpReply> Api::CreateJob(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const std::string target = TextField(*body, "targetType");
  if (target != "device" && target != "all")
    co_return net::ProblemReply(422, "targetType: want device or all");
  const std::string type = TextField(*body, "commandType");
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const KindRow& row) { return row.command_type == type; });
  if (kind == kKinds.end()) {
    co_return net::ProblemReply(422,
                                "commandType: want script, command, package, service or inventory");
  }
  const int timeout = NumberField(*body, "timeoutSeconds", kDefaultJobSeconds);
  if (timeout < 1 || timeout > kMaxJobSeconds) {
    co_return net::ProblemReply(422, fmt::format("timeoutSeconds: want 1 to {}", kMaxJobSeconds));
  }
  const int node = target == "all" ? 0 : IdField(*body, "targetId");
  if (target == "device" && node == 0)
    co_return net::ProblemReply(422, "targetId: there is no such node");
  if (kind->job_type == "inventory") co_return co_await RequestInventory(node);
  const auto job = ReadJob(*body, kind->job_type, timeout);
  if (!job.ok()) co_return StatusReply(job.status());
  const auto ttl = TimeToLive(*body, kDefaultJobTtlSeconds);
  if (!ttl.ok()) co_return StatusReply(ttl.status());
  const std::string secrets =
      job->credentials.empty() ? ""
                               : json::serialize(json::object{{"credentials", job->credentials}});
  const NewJob fresh{node,
                     type,
                     json::serialize(job->shown),
                     timeout,
                     TextField(*body, "scheduledAt"),
                     TextField(*body, "expiresAt"),
                     *ttl,
                     secrets};
  const auto body_of = [this, &job](int to, const std::string& instance) {
    json::object order = job->order;
    order["id"] = instance;
    return SignedBody(to, "job.run", absl::InfiniteFuture(), {{"job", order}},
                      {{"job", {{"id", instance}}}});
  };
  if (body_of(0, "job-0000000000").size() + secrets.size() + kEnvelopeBytes >
      backend_link::kMaxMessageBytes) {
    co_return net::ProblemReply(422, "commandData: too large for a message to the tentacle");
  }
  // Held until each tentacle has it, also when it is away now.
  auto add = [this, &fresh, &body_of] { return parts_.jobs.Add(fresh, body_of); };
  const auto added = co_await async::OnPool(parts_.blocking, add);
  if (absl::IsNotFound(added.status()))
    co_return net::ProblemReply(422, text::Message(added.status()));
  if (!added.ok()) co_return StatusReply(added.status());
  co_return net::JsonReply(201, *added);
}

asio::awaitable<net::HttpReply> Api::CancelJob(Call call) {
  const int id = call.Id();
  const auto body_of = [this](int node, const std::string& instance) {
    return SignedBody(node, "job.cancel", absl::InfiniteFuture(), {{"jobId", instance}}, {});
  };
  auto cancel = [this, id, &body_of] { return parts_.jobs.Cancel(id, body_of); };
  const absl::Status cancelled = co_await async::OnPool(parts_.blocking, cancel);
  if (!cancelled.ok()) co_return StatusReply(cancelled);
  parts_.live.Publish({"job", std::to_string(id)});
  co_return net::JsonReply(202, fmt::format(R"({{"id":"{}"}})", id));
}

asio::awaitable<net::HttpReply> Api::WatchJob(Call call) {
  const std::string instance = call.ids.at(1);
  auto find = [this, id = call.Id(), &instance] { return parts_.jobs.NodeOf(id, instance); };
  const auto node = co_await async::OnPool(parts_.blocking, find);
  if (!node.ok()) co_return StatusReply(node.status());
  co_return parts_.watches.Watch(*node, {{"jobId", instance}});
}

asio::awaitable<net::HttpReply> Api::RequestInventory(int node) {
  if (node == 0) co_return net::ProblemReply(422, "targetType: want device for an inventory");
  auto add = [this, node] {
    const std::string body = SignedBody(node, "inventory.request", absl::InfiniteFuture(), {}, {});
    return parts_.nodes.AddCommand(node, "inventory.request", body, kInventorySeconds);
  };
  const auto command = co_await async::OnPool(parts_.blocking, add);
  if (absl::IsInvalidArgument(command.status()))
    co_return net::ProblemReply(422, "targetId: there is no such node");
  if (!command.ok()) co_return StatusReply(command.status());
  co_return net::JsonReply(202, fmt::format(R"({{"commandId":"{}"}})", *command));
}

}  // namespace tentacle::backend
