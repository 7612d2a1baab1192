#include "backend/store/update_store.h"

#include <fmt/format.h>

#include "backend/store/database.h"
#include "backend/store/notify.h"

namespace tentacle::backend {

namespace {

// What its tentacle never took, or refused unread, is told by the command.
constexpr char kUpdates[] = R"sql(
SELECT coalesce(json_agg(json_build_object('id', 'update-' || u.id, 'imageId', u.image_id::text,
  'releaseId', u.release_id, 'version', u.version,
  'status', CASE WHEN c.failed_at IS NOT NULL AND NOT u.ended THEN 'failed' ELSE u.status END,
  'reason', CASE WHEN c.failed_at IS NOT NULL AND NOT u.ended THEN c.reason ELSE u.reason END,
  'createdAt', u.created_at, 'updatedAt', u.updated_at) ORDER BY u.id DESC), '[]')::text
FROM (SELECT * FROM tentacle_updates WHERE node_id = $1 AND ($2 = 0 OR id = $2) ORDER BY id DESC LIMIT 100) AS u
LEFT JOIN outgoing_commands c ON c.id = u.command_id)sql";

void CheckImage(pqxx::work& tx, const NewUpdate& update) {
  const auto rows = tx.exec_params(
      "SELECT state, size_bytes, sha256 FROM provisioning_images WHERE id = $1", update.image_id);
  const auto wrong = [](const std::string& what) {
    throw StatusError{absl::InvalidArgumentError("imageId: " + what)};
  };
  if (rows.empty()) wrong("there is no such image");
  if (rows[0][0].as<std::string>() != "ready") wrong("its SHA-256 is not known yet");
  if (rows[0][1].as<std::uint64_t>() != update.size_bytes ||
      rows[0][2].as<std::string>() != update.sha256) {
    wrong("it is not the executable of the manifest");
  }
}

}  // namespace

absl::StatusOr<std::string> UpdateStore::Add(const NewUpdate& update, const BodyOf& body_of) {
  const auto id = db_.Run([&](pqxx::work& tx) {
    const auto nodes =
        tx.exec_params("SELECT 1 FROM nodes WHERE id = $1 AND is_tentacle", update.node_id);
    if (nodes.empty()) throw StatusError{absl::NotFoundError("there is no such tentacle")};
    CheckImage(tx, update);
    const int added = tx.exec_params(
                            "INSERT INTO tentacle_updates (node_id, image_id, release_id, version) "
                            "VALUES ($1, $2, $3, $4) RETURNING id",
                            update.node_id, update.image_id, update.release_id,
                            static_cast<std::int64_t>(update.version))[0][0]
                          .as<int>();
    const std::string command =
        InsertCommand(tx, update.node_id, "update.start", body_of(fmt::format("update-{}", added)),
                      update.ttl_seconds);
    tx.exec_params("UPDATE tentacle_updates SET command_id = substr($2, 5)::bigint WHERE id = $1",
                   added, command);
    return added;
  });
  if (!id.ok()) return id.status();
  auto list = db_.Text(kUpdates, update.node_id, *id);
  if (!list.ok()) return list;
  return list->substr(1, list->size() - 2);
}

absl::StatusOr<std::string> UpdateStore::List(int node_id) {
  return db_.Text(kUpdates, node_id, 0);
}

}  // namespace tentacle::backend
