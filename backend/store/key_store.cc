#include "backend/store/key_store.h"

#include "backend/store/database.h"

namespace tentacle::backend {

absl::StatusOr<int> KeyStore::Add(const NewKey& key) {
  return db_.Run([&](pqxx::work& tx) {
    const auto taken =
        tx.exec_params("SELECT 1 FROM api_keys WHERE name = $1 AND revoked_at IS NULL", key.name);
    if (!taken.empty())
      throw StatusError{absl::AlreadyExistsError("name: a key of this name is in use")};
    return tx
        .exec_params(
            "INSERT INTO api_keys (name, role, key_sha256, created_by) VALUES ($1, $2, $3, $4) "
            "RETURNING id",
            key.name, std::string(RoleName(key.role)), key.sha256, key.created_by)[0][0]
        .as<int>();
  });
}

absl::StatusOr<std::string> KeyStore::List() {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('id', id::text, 'name', name, 'role', role, 'createdBy', created_by,
  'createdAt', created_at, 'lastUsedAt', last_used_at, 'revokedAt', revoked_at) ORDER BY id), '[]')::text FROM api_keys)sql");
}

absl::Status KeyStore::Revoke(int id) {
  const auto rows = db_.Execute(
      "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", id);
  if (!rows.ok()) return rows.status();
  return *rows == 0 ? absl::NotFoundError("there is no such key") : absl::OkStatus();
}

absl::StatusOr<Caller> KeyStore::Find(const std::string& sha256) {
  return db_.Run([&](pqxx::work& tx) {
    const auto rows = tx.exec_params(
        "SELECT id, name, role, last_used_at IS NULL OR last_used_at < now() - interval '1 minute' "
        "FROM api_keys WHERE key_sha256 = $1 AND revoked_at IS NULL",
        sha256);
    if (rows.empty()) throw StatusError{absl::NotFoundError("there is no such key")};
    if (rows[0][3].as<bool>()) {
      tx.exec_params("UPDATE api_keys SET last_used_at = now() WHERE id = $1",
                     rows[0][0].as<int>());
    }
    return Caller{rows[0][1].as<std::string>(),
                  ParseRole(rows[0][2].as<std::string>()).value_or(Role::kViewer)};
  });
}

absl::Status KeyStore::Note(const Act& act) {
  const auto noted = db_.Run([&](pqxx::work& tx) {
    tx.exec("DELETE FROM api_acts WHERE time < now() - interval '90 days'");
    return tx
        .exec_params(
            "INSERT INTO api_acts (name, role, address, method, path, status) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            act.by.name, std::string(RoleName(act.by.role)), act.address, act.method, act.path,
            static_cast<int>(act.status))
        .affected_rows();
  });
  return noted.status();
}

absl::StatusOr<std::string> KeyStore::ListActs() {
  return db_.Text(R"sql(
SELECT coalesce(json_agg(json_build_object('time', time, 'by', name, 'role', role, 'address', address, 'method', method,
  'path', path, 'status', status) ORDER BY id DESC), '[]')::text
FROM (SELECT * FROM api_acts ORDER BY id DESC LIMIT 500) AS newest)sql");
}

}  // namespace tentacle::backend
