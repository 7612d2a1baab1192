// The gRPC face of discovery.
#pragma once

#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <grpcpp/grpcpp.h>

#include "services/discovery/segment.h"

namespace tentacle::discovery {

class DiscoveryService final : public v1::DiscoveryService::CallbackService {
 public:
  DiscoveryService(boost::asio::any_io_executor home, std::shared_ptr<Segment> segment)
      : home_(std::move(home)), segment_(std::move(segment)) {}

  grpc::ServerUnaryReactor* StartScan(grpc::CallbackServerContext* context,
                                      const v1::StartScanRequest* request,
                                      v1::StartScanResponse* response) override;
  grpc::ServerUnaryReactor* GetScan(grpc::CallbackServerContext* context,
                                    const v1::GetScanRequest* request,
                                    v1::GetScanResponse* response) override;
  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) override;
  grpc::ServerUnaryReactor* WakeDevice(grpc::CallbackServerContext* context,
                                       const v1::WakeDeviceRequest* request,
                                       v1::WakeDeviceResponse* response) override;
  grpc::ServerUnaryReactor* GetWake(grpc::CallbackServerContext* context,
                                    const v1::GetWakeRequest* request,
                                    v1::GetWakeResponse* response) override;
  grpc::ServerUnaryReactor* GetTopology(grpc::CallbackServerContext* context,
                                        const v1::GetTopologyRequest* request,
                                        v1::GetTopologyResponse* response) override;
  grpc::ServerUnaryReactor* ReportDevices(grpc::CallbackServerContext* context,
                                          const v1::ReportDevicesRequest* request,
                                          v1::ReportDevicesResponse* response) override;

 private:
  boost::asio::any_io_executor home_;
  std::shared_ptr<Segment> segment_;
};

}  // namespace tentacle::discovery
