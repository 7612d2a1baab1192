#include "services/discovery/discovery_service.h"

#include "libs/rpc/serve.h"
#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

using SegmentPtr = std::shared_ptr<Segment>;

void PutAvailability(const Availability& availability, v1::Availability* message) {
  message->set_round_trip_ms(absl::ToDoubleMilliseconds(availability.round_trip));
  message->set_loss_percent(availability.loss_percent);
  message->set_hour_percent(availability.hour_percent.value_or(0));
  message->set_day_percent(availability.day_percent.value_or(0));
  message->set_week_percent(availability.week_percent.value_or(0));
}

asio::awaitable<absl::StatusOr<v1::StartScanResponse>> StartScanOn(SegmentPtr segment,
                                                                   v1::StartScanRequest request) {
  const auto started = segment->StartScan(request.scan_id(), request.probes_per_second());
  if (!started.ok()) co_return started.status();
  v1::StartScanResponse response;
  response.set_scan_id(started->scan_id);
  response.set_targets(static_cast<std::uint32_t>(started->targets));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetScanResponse>> GetScanOf(SegmentPtr segment) {
  v1::GetScanResponse response;
  response.set_running(segment->scanner().running());
  response.set_targets(static_cast<std::uint32_t>(segment->scanner().targets()));
  const Segment::LastScan& last = segment->last_result();
  response.set_last_scan_id(last.id);
  response.set_last_targets(static_cast<std::uint32_t>(last.targets));
  response.set_last_devices(static_cast<std::uint32_t>(last.devices));
  *response.mutable_last_took() = ToDuration(last.took);
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ListDevicesResponse>> ListDevicesOf(SegmentPtr segment) {
  v1::ListDevicesResponse response;
  for (const Device* device : segment->table().Latest(limits::kMaxListedDevices)) {
    v1::Device& added = *response.add_devices() = ToMessage(*device);
    added.set_system(std::string(SystemHint(*device)));
    const auto pings = segment->pings().Find(device->address);
    if (pings) PutAvailability(*pings, added.mutable_availability());
  }
  for (const DhcpServer& server : segment->lookout().servers().servers()) {
    *response.add_dhcp_servers() = ToMessage(server);
  }
  response.set_total_devices(static_cast<std::uint32_t>(segment->table().size()));
  if (segment->last_scan() != absl::InfinitePast()) {
    *response.mutable_last_scan() = ToTimestamp(segment->last_scan());
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::WakeDeviceResponse>> WakeDeviceOn(
    SegmentPtr segment, v1::WakeDeviceRequest request) {
  WakeOrder order{request.mac(), request.command_id(), request.password()};
  const auto packets = co_await Segment::Wake(segment, std::move(order));
  if (!packets.ok()) co_return packets.status();
  v1::WakeDeviceResponse response;
  response.set_packets_sent(*packets);
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetWakeResponse>> GetWakeOf(SegmentPtr segment,
                                                               v1::GetWakeRequest request) {
  const auto mac = wire::ParseMac(request.mac());
  if (!mac.ok()) co_return mac.status();
  const WakeOutcome* outcome = segment->wakes().Find(*mac);
  if (outcome == nullptr) co_return absl::NotFoundError("nobody has woken " + mac->ToString());
  v1::GetWakeResponse response;
  response.set_state(outcome->state);
  *response.mutable_after() = ToDuration(outcome->after);
  response.set_evidence(outcome->evidence);
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetTopologyResponse>> GetTopologyOf(SegmentPtr segment) {
  const Topology topology = BuildTopology(segment->Facts());
  v1::GetTopologyResponse response;
  for (const TopologyNode& node : topology.nodes) {
    v1::TopologyNode& added = *response.add_nodes();
    added.set_id(node.id);
    added.set_kind(node.kind);
    added.set_label(node.label);
    added.set_detail(node.detail);
  }
  for (const TopologyEdge& edge : topology.edges) {
    v1::TopologyEdge& added = *response.add_edges();
    added.set_from(edge.from);
    added.set_to(edge.to);
    added.set_label(edge.label);
    added.set_evidence(edge.evidence);
    *added.mutable_seen() = ToTimestamp(edge.seen);
  }
  response.set_omitted_devices(static_cast<std::uint32_t>(topology.omitted_devices));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ReportDevicesResponse>> ReportDevicesOf(
    SegmentPtr segment, v1::ReportDevicesRequest request) {
  const auto snapshot = co_await Reporter::ReportAll(segment->reporter(), request.command_id());
  if (!snapshot.ok()) co_return snapshot.status();
  v1::ReportDevicesResponse response;
  response.set_revision(snapshot->revision);
  response.set_devices(static_cast<std::uint32_t>(snapshot->devices));
  co_return response;
}

}  // namespace

grpc::ServerUnaryReactor* DiscoveryService::StartScan(grpc::CallbackServerContext* context,
                                                      const v1::StartScanRequest* request,
                                                      v1::StartScanResponse* response) {
  return rpc::Serve<v1::StartScanRequest, v1::StartScanResponse>(
      home_, context, request, response,
      [segment = segment_](const auto& r) { return StartScanOn(segment, r); });
}

grpc::ServerUnaryReactor* DiscoveryService::ListDevices(grpc::CallbackServerContext* context,
                                                        const v1::ListDevicesRequest* request,
                                                        v1::ListDevicesResponse* response) {
  return rpc::Serve<v1::ListDevicesRequest, v1::ListDevicesResponse>(
      home_, context, request, response,
      [segment = segment_](const auto&) { return ListDevicesOf(segment); });
}

grpc::ServerUnaryReactor* DiscoveryService::WakeDevice(grpc::CallbackServerContext* context,
                                                       const v1::WakeDeviceRequest* request,
                                                       v1::WakeDeviceResponse* response) {
  return rpc::Serve<v1::WakeDeviceRequest, v1::WakeDeviceResponse>(
      home_, context, request, response,
      [segment = segment_](const auto& r) { return WakeDeviceOn(segment, r); });
}

grpc::ServerUnaryReactor* DiscoveryService::GetScan(grpc::CallbackServerContext* context,
                                                    const v1::GetScanRequest* request,
                                                    v1::GetScanResponse* response) {
  return rpc::Serve<v1::GetScanRequest, v1::GetScanResponse>(
      home_, context, request, response,
      [segment = segment_](const auto&) { return GetScanOf(segment); });
}

grpc::ServerUnaryReactor* DiscoveryService::GetWake(grpc::CallbackServerContext* context,
                                                    const v1::GetWakeRequest* request,
                                                    v1::GetWakeResponse* response) {
  return rpc::Serve<v1::GetWakeRequest, v1::GetWakeResponse>(
      home_, context, request, response,
      [segment = segment_](const auto& r) { return GetWakeOf(segment, r); });
}

grpc::ServerUnaryReactor* DiscoveryService::GetTopology(grpc::CallbackServerContext* context,
                                                        const v1::GetTopologyRequest* request,
                                                        v1::GetTopologyResponse* response) {
  return rpc::Serve<v1::GetTopologyRequest, v1::GetTopologyResponse>(
      home_, context, request, response,
      [segment = segment_](const auto&) { return GetTopologyOf(segment); });
}

grpc::ServerUnaryReactor* DiscoveryService::ReportDevices(grpc::CallbackServerContext* context,
                                                          const v1::ReportDevicesRequest* request,
                                                          v1::ReportDevicesResponse* response) {
  return rpc::Serve<v1::ReportDevicesRequest, v1::ReportDevicesResponse>(
      home_, context, request, response,
      [segment = segment_](const auto& r) { return ReportDevicesOf(segment, r); });
}

}  // namespace tentacle::discovery
