#include "backend/store/database.h"
#include "backend/store/task_store.h"

namespace tentacle::backend {

namespace {

constexpr char kImages[] = R"sql(
SELECT coalesce(json_agg(json_build_object('id', id::text, 'name', name, 'displayName', display_name,
  'osType', os_type, 'osVersion', os_version, 'format', format, 'architecture', architecture,
  'sizeBytes', size_bytes, 'unpackedSizeBytes', unpacked_size_bytes, 'sha256', sha256, 'state', state,
  'reason', reason) ORDER BY display_name), '[]')::text
FROM provisioning_images WHERE ($1 = 0 OR id = $1) AND (NOT $2 OR state = 'ready'))sql";

absl::Status Missing() {
  return absl::NotFoundError("there is no such image");
}

void PutList(pqxx::work& tx, int id, const std::string& list) {
  const pqxx::binarystring bytes(list.data(), list.size());
  tx.exec_params(
      "INSERT INTO image_chunks (image_id, list) SELECT id, $2::bytea FROM provisioning_images "
      "WHERE id = $1 "
      "ON CONFLICT (image_id) DO UPDATE SET list = excluded.list",
      id, bytes);
}

absl::StatusOr<std::string> Only(absl::StatusOr<std::string> list, int id) {
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return Missing();
  return list->substr(1, list->size() - 2);
}

}  // namespace

absl::StatusOr<int> ImageStore::Add(const NewImage& image) {
  return db_.Run([&](pqxx::work& tx) {
    return tx
        .exec_params(
            "INSERT INTO provisioning_images (name, display_name, path, os_type, os_version, "
            "architecture) "
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            image.name, image.display_name, image.path, image.os_type, image.os_version,
            image.architecture)[0][0]
        .as<int>();
  });
}

absl::Status ImageStore::SetHashed(int id, const HashedImage& hashed) {
  return db_
      .Run([&](pqxx::work& tx) {
        tx.exec_params(
            "UPDATE provisioning_images SET state = 'ready', reason = '', sha256 = $2, size_bytes "
            "= $3, "
            "unpacked_size_bytes = $4, format = CASE WHEN format = '' THEN $5 ELSE format END "
            "WHERE id = $1",
            id, hashed.sha256, hashed.size_bytes, hashed.unpacked_size_bytes, hashed.format);
        PutList(tx, id, hashed.chunk_list);
        return true;
      })
      .status();
}

absl::Status ImageStore::SetChunkList(int id, const std::string& chunk_list) {
  return db_
      .Run([&](pqxx::work& tx) {
        PutList(tx, id, chunk_list);
        return true;
      })
      .status();
}

absl::StatusOr<std::string> ImageStore::ChunkList(int id) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT list FROM image_chunks JOIN provisioning_images ON id = image_id WHERE id = $1 AND "
        "state = 'ready'",
        id);
    if (rows.empty())
      throw StatusError{absl::NotFoundError("there is no chunk list of this image")};
    const pqxx::binarystring list(rows[0][0]);
    if (list.size() == 0)
      throw StatusError{absl::NotFoundError("the image is too large for a chunk list")};
    return list.str();
  });
}

absl::Status ImageStore::SetFailed(int id, const std::string& reason) {
  return db_
      .Execute("UPDATE provisioning_images SET state = 'failed', reason = $2 WHERE id = $1", id,
               reason)
      .status();
}

absl::StatusOr<std::string> ImageStore::List() {
  return db_.Text(kImages, 0, false);
}

absl::StatusOr<std::string> ImageStore::Get(int id) {
  return Only(db_.Text(kImages, id, false), id);
}

absl::StatusOr<std::string> ImageStore::Meta(int id) {
  return Only(db_.Text(kImages, id, true), id);
}

absl::StatusOr<ImageFile> ImageStore::File(int id) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT path, sha256, size_bytes FROM provisioning_images WHERE id = $1 AND state = "
        "'ready'",
        id);
    if (rows.empty()) throw StatusError{Missing()};
    return ImageFile{id, rows[0][0].as<std::string>(), rows[0][1].as<std::string>(),
                     rows[0][2].as<std::uint64_t>()};
  });
}

absl::StatusOr<std::string> ImageStore::Unhashed() {
  return db_.Text(
      "SELECT coalesce(json_agg(json_build_object('id', id, 'path', path, 'sha256', sha256)), "
      "'[]')::text "
      "FROM provisioning_images LEFT JOIN image_chunks ON id = image_id "
      "WHERE state = 'hashing' OR (state = 'ready' AND image_id IS NULL)");
}

absl::Status ImageStore::Delete(int id) {
  return db_
      .Run([&](pqxx::work& tx) {
        const auto needed = tx.exec_params(
            "SELECT 1 FROM provisioning_tasks WHERE image_id = $1 AND status IN ('waiting', "
            "'booting', 'installing')",
            id);
        if (!needed.empty())
          throw StatusError{absl::FailedPreconditionError("an open task needs this image")};
        tx.exec_params("UPDATE provisioning_tasks SET image_id = NULL WHERE image_id = $1", id);
        if (tx.exec_params("DELETE FROM provisioning_images WHERE id = $1", id).affected_rows() ==
            0) {
          throw StatusError{Missing()};
        }
        return true;
      })
      .status();
}

}  // namespace tentacle::backend
