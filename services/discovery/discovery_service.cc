#include "services/discovery/discovery_service.h"

#include "libs/rpc/serve.h"
#include "services/discovery/device_message.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

using SegmentPtr = std::shared_ptr<Segment>;

asio::awaitable<absl::StatusOr<v1::StartScanResponse>> StartScanOn(SegmentPtr segment,
                                                                   v1::StartScanRequest request) {
  const auto started = segment->StartScan(request.scan_id());
  if (!started.ok()) co_return started.status();
  v1::StartScanResponse response;
  response.set_scan_id(started->scan_id);
  response.set_targets(static_cast<std::uint32_t>(started->targets));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ListDevicesResponse>> ListDevicesOf(SegmentPtr segment) {
  v1::ListDevicesResponse response;
  for (const Device& device : segment->table().Latest(limits::kMaxListedDevices)) {
    *response.add_devices() = ToMessage(device);
  }
  response.set_total_devices(static_cast<std::uint32_t>(segment->table().size()));
  if (segment->last_scan() != absl::InfinitePast()) {
    *response.mutable_last_scan() = ToTimestamp(segment->last_scan());
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::WakeDeviceResponse>> WakeDeviceOn(
    SegmentPtr segment, v1::WakeDeviceRequest request) {
  const auto packets = co_await Segment::Wake(segment, request.mac(), request.command_id());
  if (!packets.ok()) co_return packets.status();
  v1::WakeDeviceResponse response;
  response.set_packets_sent(*packets);
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

}  // namespace tentacle::discovery
