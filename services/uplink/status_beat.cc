#include "services/uplink/status_beat.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::string_view StateName(cache::v1::ImageState state) {
  switch (state) {
    case cache::v1::IMAGE_STATE_ABSENT:
      return "absent";
    case cache::v1::IMAGE_STATE_PULLING:
      return "pulling";
    case cache::v1::IMAGE_STATE_VERIFYING:
      return "verifying";
    case cache::v1::IMAGE_STATE_CACHED:
      return "cached";
    case cache::v1::IMAGE_STATE_FAILED:
      return "failed";
    default:
      return "unknown";
  }
}

json::array Tasks(const pxe::v1::ListBootTasksResponse& response) {
  json::array tasks;
  for (const auto& tracked : response.tasks()) {
    const auto status = backend_link::StatusName(tracked.progress().status());
    tasks.emplace_back(json::object{{"taskId", tracked.task().id()},
                                    {"status", status.empty() ? "waiting" : status}});
  }
  return tasks;
}

json::array Images(const cache::v1::ListImagesResponse& response) {
  json::array images;
  for (const auto& image : response.images()) {
    images.emplace_back(json::object{{"imageId", image.id()},
                                     {"name", image.name()},
                                     {"sizeBytes", image.size_bytes()},
                                     {"state", StateName(image.state())},
                                     {"presentBytes", image.present_bytes()},
                                     {"reason", image.reason()}});
  }
  return images;
}

std::uint64_t Waiting(const events::LaneView& lane) {
  return lane.last - std::min(lane.confirmed, lane.last);
}

// What waits in the logs, and how much of it had to be forgotten.
json::array Services(const Peers& peers) {
  json::array services;
  for (const Service service : kServices) {
    const PeerView& view = peers.view(service);
    std::uint64_t thinned = 0;
    for (const events::LaneView& lane : view.lanes)
      thinned += lane.thinned;
    services.emplace_back(json::object{{"name", ServiceName(service)},
                                       {"up", view.reachable},
                                       {"reason", view.reason},
                                       {"waitingResults", Waiting(view.lanes[0])},
                                       {"waitingInventories", Waiting(view.lanes[1])},
                                       {"waitingMetrics", Waiting(view.lanes[2])},
                                       {"thinned", thinned}});
  }
  return services;
}

}  // namespace

StatusBeat::StatusBeat(asio::any_io_executor home,
                       Session& session,
                       Peers& peers,
                       Metrics& metrics,
                       Signal& changed,
                       ThroughputProbe probe)
    : session_(session),
      peers_(peers),
      metrics_(metrics),
      probe_(std::move(probe)),
      changed_(changed),
      pause_(std::move(home)) {}

asio::awaitable<absl::Status> StatusBeat::Run() {
  for (;;) {
    changed_.Forget();
    if (const absl::Status status = co_await SendStatus(); !status.ok()) co_return status;
    co_await changed_.Wait(limits::kStatusInterval - limits::kStatusSettle);
    co_await pause_.Wait(limits::kStatusSettle);
    co_await probe_.MeasureIfDue();
    if (const absl::Status status = co_await SendLatency(); !status.ok()) co_return status;
  }
}

// What cannot be asked is left out: an empty list would say that there is nothing. "tasks" alone
// belongs to the specification and is always there.
asio::awaitable<absl::Status> StatusBeat::SendStatus() {
  backend_link::Message message{.type = "status", .id = std::nullopt, .body = {}};
  message.body["online"] = true;
  const auto tasks = co_await peers_.ListBootTasks();
  message.body["tasks"] = tasks.ok() ? Tasks(*tasks) : json::array();
  message.body["version"] = TENTACLE_VERSION;
  const auto images = co_await peers_.ListImages();
  if (images.ok()) message.body["images"] = Images(*images);
  message.body["services"] = Services(peers_);
  co_return co_await session_.Send(std::move(message));
}

asio::awaitable<absl::Status> StatusBeat::SendLatency() {
  const net::LinkQuality quality = session_.quality();
  if (quality.pongs == 0) co_return absl::OkStatus();  // Nothing was measured yet.
  metrics_.Quality(quality);
  backend_link::Message message{.type = "link", .id = std::nullopt, .body = {}};
  message.body["latencyMs"] = absl::ToDoubleMilliseconds(quality.mean_round_trip);
  message.body["jitterMs"] = absl::ToDoubleMilliseconds(quality.jitter);
  message.body["lossPercent"] = quality.loss * 100;
  if (const auto rate = probe_.megabits_per_second()) message.body["throughputMbit"] = *rate;
  co_return co_await session_.Send(std::move(message));
}

}  // namespace tentacle::uplink
