// gRPC adapter: LiveService over the live desk.
#pragma once

#include <tentacle/agent/v1/live_service.grpc.pb.h>

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <grpcpp/grpcpp.h>

#include "services/agent/live_desk.h"

namespace tentacle::agent {

class LiveService final : public v1::LiveService::CallbackService {
 public:
  LiveService(boost::asio::any_io_executor home, std::shared_ptr<LiveDesk> live)
      : home_(home), live_(std::move(live)) {}

  grpc::ServerUnaryReactor* FetchFrames(grpc::CallbackServerContext* context,
                                        const v1::FetchFramesRequest* request,
                                        v1::FetchFramesResponse* response) override;
  grpc::ServerUnaryReactor* PushFrames(grpc::CallbackServerContext* context,
                                       const v1::PushFramesRequest* request,
                                       v1::PushFramesResponse* response) override;

 private:
  boost::asio::any_io_executor home_;
  std::shared_ptr<LiveDesk> live_;
};

}  // namespace tentacle::agent
