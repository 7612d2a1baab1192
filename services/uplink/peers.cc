#include "services/uplink/peers.h"

#include <fmt/format.h>
#include <tentacle/agent/v1/agent_service.grpc.pb.h>
#include <tentacle/agent/v1/live_service.grpc.pb.h>
#include <tentacle/cache/v1/cache_service.grpc.pb.h>
#include <tentacle/config/v1/config_service.grpc.pb.h>
#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>
#include <tentacle/event/v1/event_service.grpc.pb.h>
#include <tentacle/pxe/v1/pxe_service.grpc.pb.h>

#include <utility>

#include "libs/rpc/call.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;

bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

struct Peers::Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& its_channel)
      : channel(its_channel),
        events(event::v1::EventService::NewStub(channel)),
        config(config::v1::ConfigService::NewStub(channel)),
        pxe(pxe::v1::PxeService::NewStub(channel)),
        cache(cache::v1::CacheService::NewStub(channel)),
        discovery(discovery::v1::DiscoveryService::NewStub(channel)),
        agent(agent::v1::AgentService::NewStub(channel)),
        live(agent::v1::LiveService::NewStub(channel)) {}

  std::shared_ptr<grpc::Channel> channel;
  // A stub costs nothing; only those that the service serves are called.
  std::unique_ptr<event::v1::EventService::Stub> events;
  std::unique_ptr<config::v1::ConfigService::Stub> config;
  std::unique_ptr<pxe::v1::PxeService::Stub> pxe;
  std::unique_ptr<cache::v1::CacheService::Stub> cache;
  std::unique_ptr<discovery::v1::DiscoveryService::Stub> discovery;
  std::unique_ptr<agent::v1::AgentService::Stub> agent;
  std::unique_ptr<agent::v1::LiveService::Stub> live;
};

Peers::Peers(const std::function<std::string(std::string_view)>& socket_of,
             Metrics& metrics,
             runtime::Log log)
    : metrics_(metrics), log_(std::move(log)) {
  for (const Service service : kServices) {
    const std::string path = socket_of(ServiceName(service));
    stubs_[static_cast<std::size_t>(service)] = std::make_unique<Stubs>(rpc::Dial(path));
  }
}

Peers::~Peers() = default;

absl::Status Peers::Note(Service service, std::string_view method, absl::Status status) {
  metrics_.PeerCall(service, method, status);
  if (absl::IsCancelled(status)) return status;  // Our own doing; says nothing about the service.
  if (absl::IsUnavailable(status)) {
    rpc::Redial(*stubs_[static_cast<std::size_t>(service)]->channel);
  }
  PeerView& view = MutableView(service);
  const bool before = view.reachable;
  view.reachable = !IsUnreachable(status);
  view.reason = status.ok() ? "" : std::string(status.message());
  metrics_.PeerReachable(service, view.reachable);
  if (view.reachable == before) return status;
  if (view.reachable) {
    log_.Info("uplink.peer_reachable", {{"peer", ServiceName(service)}});
  } else {
    log_.Warning("uplink.peer_unreachable",
                 {{"peer", ServiceName(service)}, {"reason", view.reason}});
  }
  if (on_reachability_) on_reachability_(service);
  return status;
}

std::string Peers::Summary() const {
  std::string summary;
  for (const Service service : kServices) {
    if (view(service).reachable) continue;
    if (!summary.empty()) summary += "; ";
    summary += fmt::format("{} does not answer: {}", ServiceName(service), view(service).reason);
  }
  return summary;
}

Peers::Answer<event::v1::FetchEventsResponse> Peers::FetchEvents(Service service,
                                                                 events::Priority lane,
                                                                 std::uint64_t after,
                                                                 std::size_t max_events) {
  event::v1::FetchEventsRequest request;
  request.set_lane(lane);
  request.set_after_sequence(after);
  request.set_max_events(static_cast<std::uint32_t>(max_events));
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(limits::kFetchWait));
  auto* stub = stubs_[static_cast<std::size_t>(service)]->events->async();
  using Stub = event::v1::EventService::StubInterface::async_interface;
  auto response =
      co_await rpc::Call<Stub, event::v1::FetchEventsRequest, event::v1::FetchEventsResponse>(
          stub, &Stub::FetchEvents, std::move(request), limits::kFetchDeadline);
  const absl::Status status = Note(service, "FetchEvents", response.status());
  if (!status.ok()) co_return status;
  MutableView(service).lanes[events::LaneIndex(lane)] = {
      response->epoch(), response->confirmed_sequence(), response->last_sequence(),
      response->thinned()};
  co_return response;
}

asio::awaitable<absl::Status> Peers::ConfirmEvents(Service service,
                                                   events::Priority lane,
                                                   std::string epoch,
                                                   std::uint64_t through) {
  event::v1::ConfirmEventsRequest request;
  request.set_epoch(epoch);
  request.set_through_sequence(through);
  auto* stub = stubs_[static_cast<std::size_t>(service)]->events->async();
  using Stub = event::v1::EventService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, event::v1::ConfirmEventsRequest, event::v1::ConfirmEventsResponse>(
          stub, &Stub::ConfirmEvents, std::move(request), limits::kCallDeadline);
  const absl::Status status = Note(service, "ConfirmEvents", response.status());
  if (status.ok()) MutableView(service).lanes[events::LaneIndex(lane)].confirmed = through;
  co_return status;
}

asio::awaitable<absl::Status> Peers::Ping(Service service) {
  auto* stub = stubs_[static_cast<std::size_t>(service)]->config->async();
  using Stub = config::v1::ConfigService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, config::v1::GetConfigRequest, config::v1::GetConfigResponse>(
          stub, &Stub::GetConfig, {}, limits::kCallDeadline);
  co_return Note(service, "GetConfig", response.status());
}

Peers::Answer<std::uint64_t> Peers::ReplaceConfig(Service service,
                                                  std::uint64_t revision,
                                                  std::string json) {
  config::v1::ReplaceConfigRequest request;
  request.set_revision(revision);
  request.set_remote_json(std::move(json));
  auto* stub = stubs_[static_cast<std::size_t>(service)]->config->async();
  using Stub = config::v1::ConfigService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, config::v1::ReplaceConfigRequest, config::v1::ReplaceConfigResponse>(
          stub, &Stub::ReplaceConfig, std::move(request), limits::kCallDeadline);
  const absl::Status status = Note(service, "ReplaceConfig", response.status());
  if (!status.ok()) co_return status;
  MutableView(service).pushed_config_revision = response->applied_revision();
  if (on_config_) on_config_();
  co_return response->applied_revision();
}

Peers::Answer<pxe::v1::ReplaceBootTasksResponse> Peers::ReplaceBootTasks(
    DesiredState state, std::optional<absl::Time> backend_time) {
  pxe::v1::ReplaceBootTasksRequest request;
  request.set_revision(state.task_revision);
  if (backend_time) request.mutable_backend_time()->set_seconds(absl::ToUnixSeconds(*backend_time));
  for (auto& [mac, task] : state.tasks)
    *request.add_tasks() = std::move(task);
  auto* stub = stubs_[static_cast<std::size_t>(Service::kPxe)]->pxe->async();
  using Stub = pxe::v1::PxeService::StubInterface::async_interface;
  auto response =
      co_await rpc::Call<Stub, pxe::v1::ReplaceBootTasksRequest, pxe::v1::ReplaceBootTasksResponse>(
          stub, &Stub::ReplaceBootTasks, std::move(request), limits::kCallDeadline);
  const absl::Status status = Note(Service::kPxe, "ReplaceBootTasks", response.status());
  if (!status.ok()) co_return status;
  co_return response;
}

Peers::Answer<pxe::v1::ListBootTasksResponse> Peers::ListBootTasks() {
  auto* stub = stubs_[static_cast<std::size_t>(Service::kPxe)]->pxe->async();
  using Stub = pxe::v1::PxeService::StubInterface::async_interface;
  auto response =
      co_await rpc::Call<Stub, pxe::v1::ListBootTasksRequest, pxe::v1::ListBootTasksResponse>(
          stub, &Stub::ListBootTasks, {}, limits::kCallDeadline);
  const absl::Status status = Note(Service::kPxe, "ListBootTasks", response.status());
  if (!status.ok()) co_return status;
  co_return response;
}

Peers::Answer<cache::v1::ListImagesResponse> Peers::ListImages() {
  auto* stub = stubs_[static_cast<std::size_t>(Service::kCache)]->cache->async();
  using Stub = cache::v1::CacheService::StubInterface::async_interface;
  auto response =
      co_await rpc::Call<Stub, cache::v1::ListImagesRequest, cache::v1::ListImagesResponse>(
          stub, &Stub::ListImages, {}, limits::kCallDeadline);
  const absl::Status status = Note(Service::kCache, "ListImages", response.status());
  if (!status.ok()) co_return status;
  co_return response;
}

Peers::Answer<std::vector<LiveFrame>> Peers::FetchFrames(std::string link_id) {
  agent::v1::FetchFramesRequest request;
  request.set_link_id(std::move(link_id));
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(limits::kFetchWait));
  auto* stub = stubs_[static_cast<std::size_t>(Service::kAgent)]->live->async();
  using Stub = agent::v1::LiveService::StubInterface::async_interface;
  auto response =
      co_await rpc::Call<Stub, agent::v1::FetchFramesRequest, agent::v1::FetchFramesResponse>(
          stub, &Stub::FetchFrames, std::move(request), limits::kFetchDeadline);
  const absl::Status status = Note(Service::kAgent, "FetchFrames", response.status());
  if (!status.ok()) co_return status;
  std::vector<LiveFrame> frames;
  for (auto& frame : *response->mutable_frames()) {
    frames.push_back({std::move(*frame.mutable_type()), std::move(*frame.mutable_body_json())});
  }
  co_return frames;
}

asio::awaitable<absl::Status> Peers::PushFrames(std::string link_id,
                                                std::vector<LiveFrame> frames) {
  agent::v1::PushFramesRequest request;
  request.set_link_id(std::move(link_id));
  for (auto& frame : frames) {
    auto& added = *request.add_frames();
    added.set_type(std::move(frame.type));
    added.set_body_json(std::move(frame.body_json));
  }
  auto* stub = stubs_[static_cast<std::size_t>(Service::kAgent)]->live->async();
  using Stub = agent::v1::LiveService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, agent::v1::PushFramesRequest, agent::v1::PushFramesResponse>(
          stub, &Stub::PushFrames, std::move(request), limits::kCallDeadline);
  co_return Note(Service::kAgent, "PushFrames", response.status());
}

namespace {

asio::awaitable<absl::Status> StartScan(discovery::v1::DiscoveryService::Stub* stub,
                                        std::string scan_id) {
  discovery::v1::StartScanRequest request;
  request.set_scan_id(std::move(scan_id));
  using Stub = discovery::v1::DiscoveryService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, discovery::v1::StartScanRequest, discovery::v1::StartScanResponse>(
          stub->async(), &Stub::StartScan, std::move(request), limits::kCallDeadline);
  co_return response.status();
}

asio::awaitable<absl::Status> WakeDevice(discovery::v1::DiscoveryService::Stub* stub,
                                         Command command) {
  discovery::v1::WakeDeviceRequest request;
  request.set_mac(std::move(command.mac));
  request.set_command_id(std::move(command.reference));
  request.set_password(std::move(command.password));
  using Stub = discovery::v1::DiscoveryService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, discovery::v1::WakeDeviceRequest, discovery::v1::WakeDeviceResponse>(
          stub->async(), &Stub::WakeDevice, std::move(request), limits::kCallDeadline);
  co_return response.status();
}

asio::awaitable<absl::Status> ReportDevices(discovery::v1::DiscoveryService::Stub* stub,
                                            std::string command_id) {
  discovery::v1::ReportDevicesRequest request;
  request.set_command_id(std::move(command_id));
  using Stub = discovery::v1::DiscoveryService::StubInterface::async_interface;
  const auto response = co_await rpc::Call<Stub, discovery::v1::ReportDevicesRequest,
                                           discovery::v1::ReportDevicesResponse>(
      stub->async(), &Stub::ReportDevices, std::move(request), limits::kCallDeadline);
  co_return response.status();
}

asio::awaitable<absl::Status> TakeOrder(agent::v1::AgentService::Stub* stub, Command command) {
  agent::v1::TakeOrderRequest request;
  request.set_order(std::move(command.order));
  request.set_signature(std::move(command.signature));
  request.set_credentials(std::move(command.credentials));
  if (command.kind == CommandKind::kJob) request.set_reference(std::move(command.reference));
  using Stub = agent::v1::AgentService::StubInterface::async_interface;
  const auto response =
      co_await rpc::Call<Stub, agent::v1::TakeOrderRequest, agent::v1::TakeOrderResponse>(
          stub->async(), &Stub::TakeOrder, std::move(request), limits::kCallDeadline);
  co_return response.status();
}

using CacheStub = cache::v1::CacheService::StubInterface::async_interface;

template <class Request, class Response>
asio::awaitable<absl::Status> TellCache(cache::v1::CacheService::Stub* stub,
                                        rpc::UnaryMethod<CacheStub, Request, Response> method,
                                        Request request) {
  const auto response = co_await rpc::Call<CacheStub, Request, Response>(
      stub->async(), method, std::move(request), limits::kCallDeadline);
  co_return response.status();
}

asio::awaitable<absl::Status> PlanPrepull(cache::v1::CacheService::Stub* stub, Command command) {
  cache::v1::PlanPrepullRequest request;
  *request.mutable_prepull() = std::move(command.prepull);
  co_return co_await TellCache<cache::v1::PlanPrepullRequest, cache::v1::PlanPrepullResponse>(
      stub, &CacheStub::PlanPrepull, std::move(request));
}

asio::awaitable<absl::Status> CancelPrepull(cache::v1::CacheService::Stub* stub, std::string id) {
  cache::v1::CancelPrepullRequest request;
  request.set_id(std::move(id));
  co_return co_await TellCache<cache::v1::CancelPrepullRequest, cache::v1::CancelPrepullResponse>(
      stub, &CacheStub::CancelPrepull, std::move(request));
}

asio::awaitable<absl::Status> ReplacePeers(cache::v1::CacheService::Stub* stub, Command command) {
  co_return co_await TellCache<cache::v1::ReplacePeersRequest, cache::v1::ReplacePeersResponse>(
      stub, &CacheStub::ReplacePeers, std::move(command.peers));
}

}  // namespace

asio::awaitable<absl::Status> Peers::Deliver(Command command) {
  const Service service = command.service();
  Stubs& stubs = *stubs_[static_cast<std::size_t>(service)];
  absl::Status status;
  std::string_view method;
  switch (command.kind) {
    case CommandKind::kScan:
      method = "StartScan";
      status = co_await StartScan(stubs.discovery.get(), std::move(command.reference));
      break;
    case CommandKind::kWake:
      method = "WakeDevice";
      status = co_await WakeDevice(stubs.discovery.get(), std::move(command));
      break;
    case CommandKind::kReportDevices:
      method = "ReportDevices";
      status = co_await ReportDevices(stubs.discovery.get(), std::move(command.reference));
      break;
    case CommandKind::kJob:
    case CommandKind::kJobCancel:
    case CommandKind::kInventory:
    case CommandKind::kUpdate:
      method = "TakeOrder";
      status = co_await TakeOrder(stubs.agent.get(), std::move(command));
      break;
    case CommandKind::kPrepull:
      method = "PlanPrepull";
      status = co_await PlanPrepull(stubs.cache.get(), std::move(command));
      break;
    case CommandKind::kCancelPrepull:
      method = "CancelPrepull";
      status = co_await CancelPrepull(stubs.cache.get(), std::move(command.reference));
      break;
    case CommandKind::kPeers:
      method = "ReplacePeers";
      status = co_await ReplacePeers(stubs.cache.get(), std::move(command));
      break;
  }
  co_return Note(service, method, std::move(status));
}

}  // namespace tentacle::uplink
