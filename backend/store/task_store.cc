#include "backend/store/task_store.h"

#include <fmt/format.h>

#include <cstdlib>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/store/database.h"
#include "backend/store/notify.h"
#include "backend/store/sealed_secrets.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

constexpr char kTasks[] = R"sql(
SELECT coalesce(json_agg(t.document || jsonb_build_object(
  'id', t.id::text, 'mac', t.mac_address::text, 'imageId', t.image_id::text, 'tentacleId', t.tentacle_node_id::text,
  'tentacleName', n.name, 'standbyTentacleId', t.standby_node_id::text, 'standbyTentacleName', b.name,
  'imageName', i.display_name, 'status', t.status, 'stage', t.stage, 'message', t.message,
  'progress', t.progress, 'createdAt', t.created_at, 'updatedAt', t.updated_at, 'startedAt', t.started_at,
  'completedAt', t.completed_at,
  'timeline', (SELECT coalesce(jsonb_agg(jsonb_build_object('time', l.at, 'step', l.step, 'detail', l.detail)
               ORDER BY l.at, l.id), '[]') FROM task_timeline l WHERE l.task_id = t.id))
  ORDER BY t.id DESC), '[]')::text
FROM provisioning_tasks t LEFT JOIN nodes n ON n.id = t.tentacle_node_id
LEFT JOIN nodes b ON b.id = t.standby_node_id
LEFT JOIN provisioning_images i ON i.id = t.image_id
WHERE ($1 = 0 OR t.id = $1) AND ($2 = 0 OR $2 IN (t.tentacle_node_id, t.standby_node_id))
  AND ($3 = '' OR t.status = $3))sql";

// What tentacle $1 is told about a task, without its secrets; what those are needed for; and its
// role while another tentacle has the task, too. An older backend on the same database still writes
// `secrets`.
constexpr char kDocument[] =
    "(document - 'relay' || secrets || jsonb_build_object('id', id::text, 'mac', "
    "mac_address::text, 'imageId', image_id::text))::text, sealed_secrets, mac_address::text, id, "
    "CASE WHEN standby_node_id IS NULL OR claimed THEN '' WHEN tentacle_node_id = $1 THEN 'owner' "
    "ELSE 'standby' END";
// Whether tentacle $1 has it.
constexpr char kHas[] =
    "status IN ('waiting', 'booting', 'installing') AND "
    "(tentacle_node_id = $1 OR standby_node_id = $1 AND NOT claimed)";

// A row of kDocument with its secrets. A task that nobody can install any more is failed.
std::optional<json::object> WholeTask(pqxx::work& tx,
                                      const identity::Sealer& sealer,
                                      const pqxx::row& row) {
  json::object task = json::parse(row[0].as<std::string>()).as_object();
  const std::string place = TaskPlace(row[2].as<std::string>());
  const absl::Status opened = AddSecrets(sealer, row[1].as<std::string>(), place, task);
  if (opened.ok()) return task;
  tx.exec_params(
      "UPDATE provisioning_tasks SET status = 'failed', message = $2, updated_at = now(), "
      "completed_at = now() WHERE id = $1",
      row[3].as<int>(),
      fmt::format("its secrets cannot be opened: {}; order it anew", text::Message(opened)));
  return std::nullopt;
}

void CheckTentacle(pqxx::work& tx, std::string_view field, int id) {
  if (!tx.exec_params("SELECT 1 FROM nodes WHERE id = $1 AND is_tentacle", id).empty()) return;
  throw StatusError{absl::NotFoundError(fmt::format("{}: there is no such tentacle", field))};
}

void CheckImage(pqxx::work& tx, int image_id) {
  const auto image =
      tx.exec_params("SELECT state, reason FROM provisioning_images WHERE id = $1", image_id);
  if (image.empty()) throw StatusError{absl::NotFoundError("imageId: there is no such image")};
  const auto state = image[0][0].as<std::string>();
  if (state == "ready") return;
  throw StatusError{absl::FailedPreconditionError(fmt::format(
      "imageId: the image is not ready ({}) {}", state, image[0][1].as<std::string>()))};
}

absl::Status Missing() {
  return absl::NotFoundError("there is no such task");
}

}  // namespace

absl::StatusOr<int> TaskStore::Add(const NewTask& task) {
  auto added = db_.Run([&](pqxx::work& tx) {
    CheckTentacle(tx, "tentacleId", task.tentacle_id);
    if (task.standby_id != 0) CheckTentacle(tx, "standbyTentacleId", task.standby_id);
    if (task.image_id != 0) CheckImage(tx, task.image_id);
    const int id = tx.exec_params(
                         "INSERT INTO provisioning_tasks (mac_address, tentacle_node_id, image_id, "
                         "document, sealed_secrets, "
                         "callback_token_sha256, standby_node_id) VALUES ($1::macaddr, $2, "
                         "nullif($3, 0), $4::jsonb, $5, $6, nullif($7, 0)) RETURNING id",
                         task.mac, task.tentacle_id, task.image_id, task.document_json,
                         SealSecrets(sealer_, task.secrets_json, TaskPlace(task.mac)),
                         task.callback_token_sha256, task.standby_id)[0][0]
                       .as<int>();
    // One that is shared goes down in tables alone.
    NotifyDue(tx, task.standby_id == 0 ? "task.new" : "tasks", task.tentacle_id, id);
    if (task.standby_id != 0) NotifyDue(tx, "tasks", task.standby_id, id);
    return id;
  });
  if (absl::IsAlreadyExists(added.status())) {
    return absl::AlreadyExistsError(fmt::format("mac: {} has an open task already", task.mac));
  }
  return added;
}

absl::StatusOr<std::string> TaskStore::List(int tentacle_id, const std::string& status) {
  return db_.Text(kTasks, 0, tentacle_id, status);
}

absl::StatusOr<std::string> TaskStore::Get(int id) {
  auto list = db_.Text(kTasks, id, 0, "");
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return Missing();
  return list->substr(1, list->size() - 2);
}

absl::StatusOr<std::vector<int>> TaskStore::Cancel(int id) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT coalesce(tentacle_node_id, 0), status IN ('waiting', 'booting', 'installing'), "
        "coalesce(standby_node_id, 0) FROM provisioning_tasks WHERE id = $1 FOR UPDATE",
        id);
    if (rows.empty()) throw StatusError{Missing()};
    if (!rows[0][1].as<bool>())
      throw StatusError{absl::FailedPreconditionError("the task is over already")};
    tx.exec_params(
        "UPDATE provisioning_tasks SET status = 'cancelled', message = 'cancelled', updated_at = "
        "now(), "
        "completed_at = now() WHERE id = $1",
        id);
    std::vector<int> relays{rows[0][0].as<int>(), rows[0][2].as<int>()};
    std::erase(relays, 0);
    for (const int relay : relays)
      NotifyDue(tx, "task.cancel", relay, id);
    return relays;
  });
}

absl::StatusOr<std::string> TaskStore::Table(int node_id) {
  static const std::string open_tasks =
      fmt::format("SELECT {} FROM provisioning_tasks WHERE {} ORDER BY id", kDocument, kHas);
  return db_.Run([&](pqxx::work& tx) {
    const auto revision = tx.exec_params(
        "UPDATE nodes SET task_revision = task_revision + 1 WHERE id = $1 RETURNING task_revision",
        node_id);
    if (revision.empty()) return std::string();
    json::array tasks;
    json::array shared;
    for (const auto& row : tx.exec_params(open_tasks, node_id)) {
      auto task = WholeTask(tx, sealer_, row);
      if (!task) continue;
      const auto role = row[4].as<std::string>();
      if (!role.empty()) (*task)["relay"] = role;
      (role.empty() ? tasks : shared).push_back(*std::move(task));
    }
    json::object table{{"revision", revision[0][0].as<std::int64_t>()},
                       {"tasks", std::move(tasks)}};
    // Apart: a tentacle that does not know of roles must not take one for its own.
    if (!shared.empty()) table["shared"] = std::move(shared);
    return json::serialize(table);
  });
}

absl::StatusOr<std::string> TaskStore::Document(int id, int node_id) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM provisioning_tasks WHERE id = $2 AND {} AND (standby_node_id IS NULL OR "
      "claimed)",
      kDocument, kHas);
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(sql, node_id, id);
    if (rows.empty()) return std::string();
    const auto task = WholeTask(tx, sealer_, rows[0]);
    return task ? json::serialize(*task) : std::string();
  });
}

absl::StatusOr<bool> TaskStore::CallbackTokenIs(int id, std::string_view token_sha256) {
  auto kept = db_.Text("SELECT callback_token_sha256 FROM provisioning_tasks WHERE id = $1", id);
  if (!kept.ok()) return kept.status();
  return *kept == token_sha256;
}

absl::StatusOr<int> TaskStore::Apply(int id, const TaskReport& report) {
  // reported_at stays: it is of the tentacle's clock and orders the tentacle's reports alone. An
  // end is never left again.
  const auto tentacle =
      db_.Text(R"sql(
UPDATE provisioning_tasks SET status = $2, stage = CASE WHEN $3 = '' THEN stage ELSE $3 END, message = $4,
  progress = CASE WHEN $5 < 0 THEN progress ELSE $5 END, updated_at = now(),
  started_at = CASE WHEN $2 <> 'waiting' THEN coalesce(started_at, now()) ELSE started_at END,
  completed_at = CASE WHEN $2 IN ('complete', 'failed', 'cancelled') THEN now() ELSE completed_at END
WHERE id = $1 AND status IN ('waiting', 'booting', 'installing') RETURNING coalesce(tentacle_node_id, 0)::text)sql",
               id, report.status, report.stage, report.message, report.progress.value_or(-1));
  if (!tentacle.ok()) return tentacle.status();
  if (tentacle->empty()) return absl::FailedPreconditionError("the task is over already");
  return std::atoi(tentacle->c_str());
}

}  // namespace tentacle::backend
