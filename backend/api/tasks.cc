// Provisioning tasks and the installers' callbacks.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "backend/core/installer_event.h"
#include "backend/core/random_password.h"
#include "libs/identity/identity.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Moves what must never come out again from the document into the secrets.
json::object TakeSecrets(json::object* document) {
  json::object secrets;
  if (auto* password = document->if_contains("adminPassword")) {
    secrets["adminPassword"] = *password;
    document->erase("adminPassword");
  }
  if (auto* domain = document->if_contains("domain")) {
    secrets["domain"] = *domain;
    document->erase("domain");
  }
  return secrets;
}

// The password that was made because the order wants it so; empty: it does not.
absl::StatusOr<std::string> MakePassword(json::object* document) {
  const auto* wanted = document->if_contains("generateAdminPassword");
  if (wanted == nullptr) return std::string();
  if (!wanted->is_bool())
    return absl::InvalidArgumentError("generateAdminPassword is not true or false");
  const bool make = wanted->as_bool();
  document->erase("generateAdminPassword");
  if (!make) return std::string();
  if (document->contains("adminPassword")) {
    return absl::InvalidArgumentError("adminPassword is given, and another one is to be generated");
  }
  const std::string password = RandomPassword();
  (*document)["adminPassword"] = password;
  return password;
}

}  // namespace

void Api::AddTaskRoutes() {
  const std::string tasks = "/api/v1/provisioning/tasks";
  router_.Add("POST", tasks, Access::kOperator,
              [this](Call c) { return CreateTask(std::move(c)); });
  router_.Add("GET", tasks, Access::kViewer, [this](Call c) {
    const int tentacle = std::atoi(c.request.Query("tentacleId").value_or("0").c_str());
    return Json(
        [this, tentacle, status = c.request.Query("status").value_or("")] {
          return parts_.tasks.List(tentacle, status);
        },
        "tasks");
  });
  router_.Add("GET", tasks + "/{id}", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.tasks.Get(id); });
  });
  router_.Add("DELETE", tasks + "/{id}", Access::kOperator,
              [this](Call c) { return CancelTask(std::move(c)); });
  router_.Add("POST", tasks + "/{id}/events", Access::kOperatorOrCallback,
              [this](Call c) { return ReportTask(std::move(c)); });
}

asio::awaitable<net::HttpReply> Api::CreateTask(Call call) {
  auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const auto password = MakePassword(&*body);
  if (!password.ok()) co_return net::ProblemReply(400, text::Message(password.status()));
  NewTask task;
  task.tentacle_id = IdField(*body, "tentacleId");
  task.image_id = IdField(*body, "imageId");
  task.standby_id = IdField(*body, "standbyTentacleId");
  if (task.standby_id != 0 && task.standby_id == task.tentacle_id) {
    co_return net::ProblemReply(422, "standbyTentacleId: that is the task's own tentacle");
  }
  for (const char* name : {"tentacleId", "standbyTentacleId", "relay"})
    body->erase(name);
  (*body)["id"] = "0";  // The parser wants one; the row's own takes its place.
  // Some installers need no image; the parser says which do.
  body->erase("imageId");
  if (task.image_id != 0) (*body)["imageId"] = std::to_string(task.image_id);
  const auto parsed = backend_link::ParseTask(*body);
  if (!parsed.ok()) co_return StatusReply(parsed.status());
  task.mac = parsed->mac();
  body->erase("id");
  task.secrets_json = json::serialize(TakeSecrets(&*body));
  task.document_json = json::serialize(*body);
  const std::string callback_token = identity::RandomHex(16);
  task.callback_token_sha256 = identity::Sha256Hex(callback_token);
  auto add = [this, &task] { return parts_.tasks.Add(task); };
  const auto id = co_await async::OnPool(parts_.blocking, add);
  if (absl::IsNotFound(id.status()) || absl::IsFailedPrecondition(id.status())) {
    co_return net::ProblemReply(422, text::Message(id.status()));
  }
  if (!id.ok()) co_return StatusReply(id.status());
  parts_.log.Info("api.task_created",
                  {{"task", *id}, {"mac", task.mac}, {"node", task.tentacle_id}});
  for (const int relay : {task.tentacle_id, task.standby_id}) {
    if (relay != 0) parts_.live.Publish({"task", std::to_string(*id)}, std::to_string(relay));
  }
  auto get = [this, id = *id] { return parts_.tasks.Get(id); };
  net::HttpReply reply = co_await Json(get);
  if (reply.status != 200) co_return reply;
  json::object answer = json::parse(reply.body).as_object();
  answer["callbackToken"] = callback_token;
  // Once, and never again.
  if (!password->empty()) answer["adminPassword"] = *password;
  net::HttpReply created = net::JsonReply(201, json::serialize(answer));
  created.headers.emplace_back("Cache-Control", "no-store");
  co_return created;
}

asio::awaitable<net::HttpReply> Api::CancelTask(Call call) {
  const int id = call.Id();
  auto cancel = [this, id] { return parts_.tasks.Cancel(id); };
  const auto relays = co_await async::OnPool(parts_.blocking, cancel);
  if (!relays.ok()) co_return StatusReply(relays.status());
  parts_.log.Info("api.task_cancelled", {{"task", id}});
  for (const int relay : *relays)
    parts_.live.Publish({"task", std::to_string(id)}, std::to_string(relay));
  co_return Empty();
}

asio::awaitable<net::HttpReply> Api::ReportTask(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const auto report =
      ReadInstallerEvent(TextField(*body, "event"), TextField(*body, "message"),
                         TextField(*body, "error"), NumberField(*body, "progress", -1));
  if (!report.ok()) co_return StatusReply(report.status());
  const int id = call.Id();
  auto apply = [this, id, &report] { return parts_.tasks.Apply(id, *report); };
  const auto tentacle = co_await async::OnPool(parts_.blocking, apply);
  if (!tentacle.ok()) co_return StatusReply(tentacle.status());
  parts_.live.Publish({"task", std::to_string(id)},
                      *tentacle == 0 ? "" : std::to_string(*tentacle));
  co_return Empty();
}

}  // namespace tentacle::backend
