#include "services/agent/live_service.h"

#include <string>
#include <utility>

#include "libs/rpc/serve.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

asio::awaitable<absl::StatusOr<v1::FetchFramesResponse>> Fetch(std::shared_ptr<LiveDesk> live,
                                                               v1::FetchFramesRequest asked) {
  auto frames = co_await live->Fetch(asked.link_id(), absl::Seconds(asked.wait().seconds()));
  v1::FetchFramesResponse response;
  for (auto& frame : frames) {
    auto& added = *response.add_frames();
    added.set_type(std::move(frame.type));
    added.set_body_json(std::move(frame.body_json));
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::PushFramesResponse>> Push(std::shared_ptr<LiveDesk> live,
                                                             v1::PushFramesRequest asked) {
  std::vector<LiveFrame> frames;
  for (const auto& frame : asked.frames())
    frames.push_back({frame.type(), frame.body_json()});
  live->Push(asked.link_id(), frames);
  co_return v1::PushFramesResponse();
}

}  // namespace

grpc::ServerUnaryReactor* LiveService::FetchFrames(grpc::CallbackServerContext* context,
                                                   const v1::FetchFramesRequest* request,
                                                   v1::FetchFramesResponse* response) {
  return rpc::Serve<v1::FetchFramesRequest, v1::FetchFramesResponse>(
      home_, context, request, response,
      [live = live_](const auto& asked) { return Fetch(live, asked); });
}

grpc::ServerUnaryReactor* LiveService::PushFrames(grpc::CallbackServerContext* context,
                                                  const v1::PushFramesRequest* request,
                                                  v1::PushFramesResponse* response) {
  return rpc::Serve<v1::PushFramesRequest, v1::PushFramesResponse>(
      home_, context, request, response,
      [live = live_](const auto& asked) { return Push(live, asked); });
}

}  // namespace tentacle::agent
