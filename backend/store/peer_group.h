// Which tentacles are introduced to each other, within a transaction.
#pragma once

#include <pqxx/pqxx>

#include "backend/store/notify.h"
#include "backend/store/site_store.h"

namespace tentacle::backend {

// Rows of `nodes`: those that offer chunks, are online and of the same site as tentacle $1, or,
// where neither has a site, behind the same public address; itself among them, if it offers.
inline constexpr char kPeerGroup[] = R"sql(
SELECT o.* FROM nodes o, nodes m WHERE m.id = $1 AND o.is_tentacle AND o.online AND o.peer_offer IS NOT NULL
  AND (o.id = m.id OR CASE WHEN m.site <> '' OR o.site <> '' THEN m.site = o.site
       ELSE m.public_address <> '' AND m.public_address = o.public_address END))sql";

// Says to the group that its tables have changed.
inline void NotifyPeers(pqxx::work& tx, int node_id) {
  static const std::string sql = fmt::format("SELECT id FROM ({}) AS members", kPeerGroup);
  for (const auto& row : tx.exec_params(sql, node_id))
    NotifyDue(tx, "peers", row[0].as<int>());
}

}  // namespace tentacle::backend
