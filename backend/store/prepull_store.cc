#include "backend/store/prepull_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <absl/time/clock.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "backend/store/database.h"
#include "backend/store/node_store.h"
#include "backend/store/notify.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

constexpr char kPrepulls[] = R"sql(
SELECT coalesce(json_agg(one ORDER BY id DESC), '[]')::text FROM (
  SELECT p.id, jsonb_strip_nulls(jsonb_build_object('id', p.id::text, 'imageId', p.image_id::text,
    'imageName', i.display_name, 'notBefore', p.not_before, 'deadline', p.deadline, 'windows', p.windows,
    'timeZone', p.time_zone, 'createdAt', p.created_at,
    'targets', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('tentacleId', n.id::text,
      'tentacleName', n.name, 'state', t.state, 'feasible', t.feasible, 'expectedAt', t.expected_at,
      'forecast', t.forecast, 'reason', t.reason, 'updatedAt', t.updated_at)) ORDER BY n.name), '[]')
      FROM prepull_targets t JOIN nodes n ON n.id = t.node_id WHERE t.prepull_id = p.id))) AS one
  FROM prepulls p JOIN provisioning_images i ON i.id = p.image_id
  WHERE $1 = 0 OR p.id = $1 ORDER BY p.id DESC LIMIT 500) AS list)sql";

// What is on its way to the same tentacle for an earlier deadline comes first.
constexpr char kTargets[] = R"sql(
SELECT n.id, n.name, n.tentacle_config::text,
  CASE WHEN c.state = 'cached' THEN 0 ELSE greatest(i.size_bytes - coalesce(c.present_bytes, 0), 0) END,
  (SELECT coalesce(sum(greatest(ai.size_bytes - coalesce(ac.present_bytes, 0), 0)), 0)
   FROM provisioning_images ai LEFT JOIN node_image_cache ac ON ac.image_id = ai.id AND ac.node_id = n.id
   WHERE ai.id <> i.id AND EXISTS (SELECT FROM prepull_targets t JOIN prepulls a ON a.id = t.prepull_id
     WHERE a.image_id = ai.id AND t.node_id = n.id AND t.state IN ('ordered', 'waiting', 'pulling')
       AND coalesce(a.deadline, 'infinity') <= coalesce(nullif($4, '')::timestamptz, 'infinity'))),
  coalesce((n.image_ledger->>'throughputMbit')::float8, 0)
FROM nodes n CROSS JOIN provisioning_images i
LEFT JOIN node_image_cache c ON c.image_id = i.id AND c.node_id = n.id
WHERE i.id = $1 AND n.is_tentacle AND (($2 <> '' AND n.site = $2)
  OR n.id IN (SELECT e::int FROM jsonb_array_elements_text($3::jsonb) AS e)) ORDER BY n.id)sql";

std::string TimeText(absl::Time time) {
  return time == absl::InfinitePast() || time == absl::InfiniteFuture()
             ? std::string()
             : absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

// Until the deadline, or as long as a tentacle accepts; a prepull that nobody could be told by then
// has failed.
int TimeToLive(absl::Time deadline) {
  // Infinite: the largest number.
  const std::int64_t left = absl::ToInt64Seconds(deadline - absl::Now());
  return static_cast<int>(std::clamp<std::int64_t>(left, 1, kMaxTimeToLiveSeconds));
}

}  // namespace

absl::StatusOr<std::vector<PrepullTarget>> PrepullStore::Targets(const PrepullOrder& order) {
  const std::string ids =
      json::serialize(json::array(order.node_ids.begin(), order.node_ids.end()));
  const std::string deadline = TimeText(order.deadline);
  auto targets = db_.Run([&](pqxx::work& tx) {
    if (tx.exec_params("SELECT 1 FROM provisioning_images WHERE id = $1 AND state = 'ready'",
                       order.image_id)
            .empty()) {
      throw StatusError{absl::NotFoundError("there is no such image, or it is not ready")};
    }
    std::vector<PrepullTarget> found;
    for (const auto& row : tx.exec_params(kTargets, order.image_id, order.site, ids, deadline)) {
      found.push_back({row[0].as<int>(), row[1].as<std::string>(), row[2].as<std::string>(),
                       row[3].as<std::uint64_t>(), row[4].as<std::uint64_t>(),
                       row[5].as<double>()});
    }
    return found;
  });
  if (!targets.ok()) return targets;
  const std::set<int> asked(order.node_ids.begin(), order.node_ids.end());
  if (targets->empty() || targets->size() < asked.size()) {
    return absl::NotFoundError(order.site.empty()
                                   ? "there is no such tentacle"
                                   : fmt::format("no tentacle is at site {}", order.site));
  }
  if (targets->size() > kMaxPrepullTargets)
    return absl::InvalidArgumentError("site: too many tentacles for one order");
  return targets;
}

absl::StatusOr<int> PrepullStore::Add(const PrepullOrder& order,
                                      const std::vector<TargetForecast>& targets) {
  const std::string windows =
      json::serialize(json::array(order.windows.begin(), order.windows.end()));
  return db_.Run([&](pqxx::work& tx) {
    const int id =
        tx.exec_params(
              "INSERT INTO prepulls (image_id, not_before, deadline, windows, time_zone) "
              "VALUES ($1, nullif($2, '')::timestamptz, nullif($3, '')::timestamptz, $4::jsonb, "
              "$5) RETURNING id",
              order.image_id, TimeText(order.not_before), TimeText(order.deadline), windows,
              order.time_zone)[0][0]
            .as<int>();
    for (const TargetForecast& target : targets) {
      const auto& said = target.forecast;
      std::string feasible;  // Unknown.
      if (said.feasibility == schedule::Feasibility::kInTime) feasible = "true";
      if (said.feasibility == schedule::Feasibility::kLate) feasible = "false";
      tx.exec_params(
          "INSERT INTO prepull_targets (prepull_id, node_id, feasible, expected_at, forecast) "
          "VALUES ($1, $2, nullif($3, '')::boolean, nullif($4, '')::timestamptz, $5)",
          id, target.node_id, feasible, TimeText(said.done), said.sentence);
      InsertCommand(tx, target.node_id, "image.prepull", json::serialize(PrepullMessage(order, id)),
                    TimeToLive(order.deadline));
    }
    return id;
  });
}

absl::StatusOr<std::string> PrepullStore::List() {
  return db_.Text(kPrepulls, 0);
}

absl::StatusOr<std::string> PrepullStore::Get(int id) {
  auto list = db_.Text(kPrepulls, id);
  if (!list.ok()) return list;
  if (*list == "[]" || id == 0) return absl::NotFoundError("there is no such prepull");
  return list->substr(1, list->size() - 2);
}

absl::Status PrepullStore::Cancel(int id) {
  return db_
      .Run([&](pqxx::work& tx) {
        if (tx.exec_params("SELECT 1 FROM prepulls WHERE id = $1", id).empty()) {
          throw StatusError{absl::NotFoundError("there is no such prepull")};
        }
        const auto open = tx.exec_params(
            "UPDATE prepull_targets SET state = 'cancelled', updated_at = now() "
            "WHERE prepull_id = $1 AND state IN ('ordered', 'waiting', 'pulling') RETURNING "
            "node_id",
            id);
        const std::string body = fmt::format(R"({{"scheduleId":"{}"}})", id);
        for (const auto& row : open) {
          InsertCommand(tx, row[0].as<int>(), "prepull.cancel", body, kMaxTimeToLiveSeconds);
        }
        return true;
      })
      .status();
}

}  // namespace tentacle::backend
