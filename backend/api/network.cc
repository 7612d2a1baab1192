// What a tentacle's discovery has found: devices, the segment, alerts, wakes.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "backend/core/device_csv.h"
#include "backend/core/topology_dot.h"
#include "backend/store/network_store.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

net::HttpReply TextFile(std::string type, const std::string& name, std::string body) {
  net::HttpReply reply;
  reply.headers.emplace_back("Content-Type", std::move(type));
  reply.headers.emplace_back("Content-Disposition",
                             fmt::format("attachment; filename=\"{}\"", name));
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.body = std::move(body);
  return reply;
}

}  // namespace

void Api::AddNetworkRoutes() {
  const auto read = [this](absl::StatusOr<std::string> (NetworkStore::*get)(int),
                           const char* name) {
    return [this, get, name](Call c) {
      return Json([this, get, id = c.Id()] { return (NetworkStore(parts_.database).*get)(id); },
                  name);
    };
  };
  router_.Add("GET", "/api/v1/tentacles/{id}/devices", Access::kViewer,
              read(&NetworkStore::Devices, "devices"));
  router_.Add("GET", "/api/v1/tentacles/{id}/network", Access::kViewer,
              read(&NetworkStore::Segment, ""));
  router_.Add("GET", "/api/v1/tentacles/{id}/network-events", Access::kViewer,
              read(&NetworkStore::Events, "events"));
  router_.Add("GET", "/api/v1/tentacles/{id}/wakes", Access::kViewer,
              read(&NetworkStore::Wakes, "wakes"));
  router_.Add("GET", "/api/v1/tentacles/{id}/devices.csv", Access::kViewer,
              [this](Call c) { return DeviceFile(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/{id}/topology", Access::kViewer,
              [this](Call c) { return TopologyOf(std::move(c)); });
}

asio::awaitable<net::HttpReply> Api::DeviceFile(Call call) {
  auto read = [this, id = call.Id()] { return NetworkStore(parts_.database).Devices(id); };
  const auto devices = co_await async::OnPool(parts_.blocking, read);
  if (!devices.ok()) co_return StatusReply(devices.status());
  const json::value list = json::parse(*devices);
  co_return TextFile("text/csv; charset=utf-8", fmt::format("devices-{}.csv", call.Id()),
                     DevicesCsv(list.as_array()));
}

asio::awaitable<net::HttpReply> Api::TopologyOf(Call call) {
  auto read = [this, id = call.Id()] { return NetworkStore(parts_.database).Segment(id); };
  const auto segment = co_await async::OnPool(parts_.blocking, read);
  if (!segment.ok()) co_return StatusReply(segment.status());
  const json::value body = json::parse(*segment);
  const auto* topology = body.as_object().if_contains("topology");
  const json::object graph =
      topology != nullptr && topology->is_object() ? topology->get_object() : json::object();
  const std::string format = call.request.Query("format").value_or("json");
  if (format == "json") co_return net::JsonReply(200, json::serialize(graph));
  if (format != "dot") co_return net::ProblemReply(422, "format: want json or dot");
  co_return TextFile("text/vnd.graphviz; charset=utf-8", fmt::format("segment-{}.dot", call.Id()),
                     TopologyDot(graph));
}

}  // namespace tentacle::backend
