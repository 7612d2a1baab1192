#include "backend/store/site_store.h"

#include "backend/store/database.h"
#include "backend/store/peer_group.h"

namespace tentacle::backend {

namespace {

// Nothing for one that offers nothing. A large group is parted in the order of the ids, so that who
// has another in its table is in the other's.
constexpr char kTable[] = R"sql(
WITH grouped AS ({}),
numbered AS (SELECT *, (row_number() OVER (ORDER BY id) - 1) / $2 AS part FROM grouped),
members AS (SELECT * FROM numbered WHERE part = (SELECT part FROM numbered WHERE id = $1))
SELECT json_build_object('site', me.site, 'peers', coalesce((
  SELECT json_agg(json_build_object('nodeId', p.id::text, 'name', p.name, 'publicKey', p.public_key,
    'addresses', coalesce(p.peer_offer->'addresses', '[]'), 'port', coalesce(p.peer_offer->'port', '0'),
    'sameSite', p.site <> '') ORDER BY p.id)
  FROM members p WHERE p.id <> me.id), '[]'))::text
FROM nodes me WHERE me.id = $1 AND me.peer_offer IS NOT NULL)sql";

absl::Status Missing() {
  return absl::NotFoundError("there is no such node");
}

}  // namespace

absl::StatusOr<std::string> SiteStore::PeerTable(int node_id) {
  static const std::string sql = fmt::format(kTable, kPeerGroup);
  return db_.Text(sql.c_str(), node_id, kMaxIntroduced + 1);
}

absl::Status SiteStore::Arrived(int node_id, std::string_view public_address) {
  return db_
      .Run([&](pqxx::work& tx) {
        const auto moved = tx.exec_params(
            "UPDATE nodes SET public_address = $2 WHERE id = $1 AND (public_address <> $2 OR "
            "peer_offer IS NOT NULL) "
            "RETURNING peer_offer IS NOT NULL",
            node_id, std::string(public_address));
        if (!moved.empty() && moved[0][0].as<bool>()) NotifyPeers(tx, node_id);
        return true;
      })
      .status();
}

absl::Status SiteStore::SetSite(int node_id, std::string_view site) {
  return db_
      .Run([&](pqxx::work& tx) {
        NotifyPeers(tx, node_id);  // Those it leaves.
        if (tx.exec_params("UPDATE nodes SET site = $2 WHERE id = $1", node_id, std::string(site))
                .affected_rows() == 0) {
          throw StatusError{Missing()};
        }
        NotifyPeers(tx, node_id);  // Those it comes to.
        return true;
      })
      .status();
}

absl::StatusOr<std::string> SiteStore::Ledger(int node_id) {
  auto text = db_.Text("SELECT image_ledger::text FROM nodes WHERE id = $1", node_id);
  if (text.ok() && text->empty()) return Missing();
  return text;
}

}  // namespace tentacle::backend
