#include "backend/store/sealed_secrets.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "backend/store/database.h"

namespace tentacle::backend {

namespace json = boost::json;

std::string TaskPlace(std::string_view mac) {
  return fmt::format("task of {}", mac);
}

std::string CommandPlace(int node_id) {
  return fmt::format("command of node {}", node_id);
}

std::string SealSecrets(const identity::Sealer& sealer,
                        std::string_view secrets_json,
                        std::string_view place) {
  if (secrets_json.empty() || secrets_json == "{}") return "";
  return identity::Base64Encode(sealer.Seal(secrets_json, place));
}

absl::Status AddSecrets(const identity::Sealer& sealer,
                        std::string_view sealed,
                        std::string_view place,
                        json::object& object) {
  if (sealed.empty()) return absl::OkStatus();
  const auto bytes = identity::Base64Decode(sealed);
  if (!bytes.ok()) return absl::DataLossError("the sealed secrets are no base64");
  const auto plain = sealer.Open(*bytes, place);
  if (!plain.ok()) return plain.status();
  const json::value secrets = json::parse(*plain);
  for (const auto& [name, value] : secrets.as_object())
    object[name] = value;
  return absl::OkStatus();
}

absl::Status SealWhatIsPlain(Database& database, const identity::Sealer& sealer) {
  const auto sealed = database.Run([&sealer](pqxx::work& tx) {
    const auto tasks = tx.exec(
        "SELECT id, mac_address::text, secrets::text FROM provisioning_tasks WHERE secrets <> '{}' "
        "FOR UPDATE");
    for (const auto& row : tasks) {
      tx.exec_params(
          "UPDATE provisioning_tasks SET secrets = '{}', sealed_secrets = $2 WHERE id = $1",
          row[0].as<int>(),
          SealSecrets(sealer, row[2].as<std::string>(), TaskPlace(row[1].as<std::string>())));
    }
    const auto commands = tx.exec(
        "SELECT id, node_id, jsonb_build_object('password', body->'password')::text "
        "FROM outgoing_commands WHERE body ? 'password' FOR UPDATE");
    for (const auto& row : commands) {
      tx.exec_params(
          "UPDATE outgoing_commands SET body = body - 'password', sealed_secrets = $2 WHERE id = "
          "$1",
          row[0].as<std::int64_t>(),
          SealSecrets(sealer, row[2].as<std::string>(), CommandPlace(row[1].as<int>())));
    }
    return tasks.size() + commands.size();
  });
  return sealed.status();
}

}  // namespace tentacle::backend
