#include "services/uplink/uplink_service.h"

#include <tentacle/uplink/v1/uplink_service.grpc.pb.h>

#include <utility>

#include "libs/rpc/serve.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;
using v1::ForgetPinsRequest;
using v1::ForgetPinsResponse;
using v1::GetLinkStatusRequest;
using v1::GetLinkStatusResponse;

v1::LinkState ToProto(LinkState state) {
  switch (state) {
    case LinkState::kOffline:
      return v1::LINK_STATE_UNSPECIFIED;
    case LinkState::kNotEnrolled:
      return v1::LINK_STATE_NOT_ENROLLED;
    case LinkState::kConnecting:
      return v1::LINK_STATE_CONNECTING;
    case LinkState::kOnline:
      return v1::LINK_STATE_ONLINE;
    case LinkState::kQuarantined:
      return v1::LINK_STATE_QUARANTINED;
    case LinkState::kBackingOff:
      return v1::LINK_STATE_BACKING_OFF;
  }
  return v1::LINK_STATE_UNSPECIFIED;
}

class UplinkServiceImpl final : public v1::UplinkService::CallbackService {
 public:
  UplinkServiceImpl(asio::any_io_executor home,
                    const WebSocketLink& link,
                    const DesiredStore& desired,
                    const Peers& peers,
                    const runtime::ConfigFeed& config,
                    std::function<asio::awaitable<absl::Status>()> forget_pins)
      : home_(std::move(home)),
        link_(link),
        desired_(desired),
        peers_(peers),
        config_(config),
        forget_pins_(std::move(forget_pins)) {}

  grpc::ServerUnaryReactor* GetLinkStatus(grpc::CallbackServerContext* context,
                                          const GetLinkStatusRequest* request,
                                          GetLinkStatusResponse* response) override {
    return rpc::Serve<GetLinkStatusRequest, GetLinkStatusResponse>(
        home_, context, request, response,
        [this](const GetLinkStatusRequest&) { return Answer(); });
  }

  grpc::ServerUnaryReactor* ForgetPins(grpc::CallbackServerContext* context,
                                       const ForgetPinsRequest* request,
                                       ForgetPinsResponse* response) override {
    return rpc::Serve<ForgetPinsRequest, ForgetPinsResponse>(
        home_, context, request, response, [this](const ForgetPinsRequest&) { return Forget(); });
  }

 private:
  asio::awaitable<absl::StatusOr<ForgetPinsResponse>> Forget() {
    const absl::Status status = co_await forget_pins_();
    if (!status.ok()) co_return status;
    co_return ForgetPinsResponse();
  }

  asio::awaitable<absl::StatusOr<GetLinkStatusResponse>> Answer() {
    GetLinkStatusResponse response;
    response.set_state(ToProto(link_.machine().state()));
    response.set_reason(link_.machine().reason());
    response.mutable_since()->set_seconds(absl::ToUnixSeconds(link_.machine().since()));
    response.set_mode(config_.current().uplink().mode());
    response.set_last_error(link_.machine().last_error());
    response.mutable_last_error_at()->set_seconds(
        absl::ToUnixSeconds(link_.machine().last_error_at()));
    response.set_backend_url(link_.backend_url());
    response.set_node_id(link_.node_id());
    response.set_config_revision(desired_.state().config_revision);
    response.set_task_revision(desired_.state().task_revision);
    response.set_task_count(static_cast<std::uint32_t>(desired_.state().tasks.size()));
    for (const auto service : kServices) {
      const PeerView& view = peers_.view(service);
      v1::PeerStatus& peer = *response.add_peers();
      peer.set_service(std::string(ServiceName(service)));
      peer.set_reachable(view.reachable);
      peer.set_reason(view.reason);
      for (const events::Priority priority : events::kLanes) {
        const events::LaneView& lane = view.lanes[events::LaneIndex(priority)];
        v1::LaneStatus& status = *peer.add_lanes();
        status.set_name(std::string(events::LaneName(priority)));
        status.set_waiting_events(lane.last - lane.confirmed);
        status.set_thinned_events(lane.thinned);
      }
      peer.set_pushed_config_revision(view.pushed_config_revision);
    }
    co_return response;
  }

  asio::any_io_executor home_;
  const WebSocketLink& link_;
  const DesiredStore& desired_;
  const Peers& peers_;
  const runtime::ConfigFeed& config_;
  std::function<asio::awaitable<absl::Status>()> forget_pins_;
};

}  // namespace

std::shared_ptr<grpc::Service> MakeUplinkService(
    asio::any_io_executor home,
    const WebSocketLink& link,
    const DesiredStore& desired,
    const Peers& peers,
    const runtime::ConfigFeed& config,
    std::function<asio::awaitable<absl::Status>()> forget_pins) {
  return std::make_shared<UplinkServiceImpl>(std::move(home), link, desired, peers, config,
                                             std::move(forget_pins));
}

}  // namespace tentacle::uplink
