// Images that are to be somewhere by some time, and what came over which line.
#include <fmt/format.h>

#include <absl/time/clock.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "backend/core/prepull_order.h"
#include "backend/store/prepull_store.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object ForecastJson(const TargetForecast& target) {
  const auto& said = target.forecast;
  json::object one{{"tentacleId", std::to_string(target.node_id)},
                   {"tentacleName", target.name},
                   {"forecast", said.sentence}};
  if (said.feasibility != schedule::Feasibility::kUnknown) {
    one["feasible"] = said.feasibility == schedule::Feasibility::kInTime;
  }
  if (said.done != absl::InfiniteFuture()) {
    one["expectedAt"] = absl::FormatTime(absl::RFC3339_sec, said.done, absl::UTCTimeZone());
  }
  return one;
}

}  // namespace

void Api::AddPrepullRoutes() {
  router_.Add("POST", "/api/v1/provisioning/prepulls", Access::kOperator,
              [this](Call c) { return CreatePrepull(std::move(c)); });
  router_.Add("GET", "/api/v1/provisioning/prepulls", Access::kViewer,
              [this](Call) { return Json([this] { return parts_.prepulls.List(); }, "prepulls"); });
  router_.Add("GET", "/api/v1/provisioning/prepulls/{id}", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.prepulls.Get(id); });
  });
  router_.Add("DELETE", "/api/v1/provisioning/prepulls/{id}", Access::kOperator,
              [this](Call c) { return CancelPrepull(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/{id}/ledger", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.sites.Ledger(id); });
  });
}

asio::awaitable<net::HttpReply> Api::CreatePrepull(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const absl::Time now = absl::Now();
  const auto order = ReadPrepullOrder(*body, now);
  if (!order.ok()) co_return StatusReply(order.status());
  auto find = [this, order = *order] { return parts_.prepulls.Targets(order); };
  const auto found = co_await async::OnPool(parts_.blocking, find);
  if (!found.ok()) co_return StatusReply(found.status());
  std::vector<TargetForecast> targets;
  for (const PrepullTarget& target : *found) {
    targets.push_back({target.node_id, target.name, ForecastFor(*order, target, now)});
  }
  if (order->dry_run) {
    json::array list;
    for (const TargetForecast& target : targets)
      list.push_back(ForecastJson(target));
    co_return net::JsonReply(200, json::serialize(json::object{{"targets", std::move(list)}}));
  }
  auto add = [this, order = *order, targets] { return parts_.prepulls.Add(order, targets); };
  const auto added = co_await async::OnPool(parts_.blocking, add);
  if (!added.ok()) co_return StatusReply(added.status());
  parts_.log.Info("api.prepull_ordered",
                  {{"prepull", *added}, {"image", order->image_id}, {"targets", targets.size()}});
  auto get = [this, id = *added] { return parts_.prepulls.Get(id); };
  net::HttpReply reply = co_await Json(get);
  if (reply.status == 200) reply.status = 201;
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::CancelPrepull(Call call) {
  auto cancel = [this, id = call.Id()] { return parts_.prepulls.Cancel(id); };
  const absl::Status cancelled = co_await async::OnPool(parts_.blocking, cancel);
  if (!cancelled.ok()) co_return StatusReply(cancelled);
  co_return Empty();
}

}  // namespace tentacle::backend
