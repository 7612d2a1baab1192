#include "tests/rpc/fake_services.h"

#include <algorithm>
#include <utility>

namespace tentacle::testing {

namespace {

namespace asio = boost::asio;

// A method of a fake: what it is told goes into `told`, on the home thread.
template <class Req, class Res, class Do>
grpc::ServerUnaryReactor* Answer(asio::any_io_executor home,
                                 grpc::CallbackServerContext* context,
                                 const Req* request,
                                 Res* response,
                                 Do act) {
  rpc::UnaryHandler<Req, Res> handler =
      [act](const Req& r) -> asio::awaitable<absl::StatusOr<Res>> {
    auto answer = [](Do f, Req q) -> asio::awaitable<absl::StatusOr<Res>> { co_return f(q); };
    return answer(act, r);
  };
  return rpc::Serve<Req, Res>(std::move(home), context, request, response, std::move(handler));
}

class FakeConfig final : public config::v1::ConfigService::CallbackService {
 public:
  FakeConfig(asio::any_io_executor home, std::string name, Told& told)
      : home_(std::move(home)), name_(std::move(name)), told_(told) {}

  grpc::ServerUnaryReactor* ReplaceConfig(grpc::CallbackServerContext* context,
                                          const config::v1::ReplaceConfigRequest* request,
                                          config::v1::ReplaceConfigResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const config::v1::ReplaceConfigRequest& r)
                      -> absl::StatusOr<config::v1::ReplaceConfigResponse> {
                    ++told_.config_pushes[name_];
                    auto& [revision, json] = told_.configs[name_];
                    if (r.revision() > revision) {
                      revision = r.revision();
                      json = r.remote_json();
                    }
                    config::v1::ReplaceConfigResponse applied;
                    applied.set_applied_revision(revision);
                    return applied;
                  });
  }

 private:
  asio::any_io_executor home_;
  std::string name_;
  Told& told_;
};

class FakePxe final : public pxe::v1::PxeService::CallbackService {
 public:
  FakePxe(asio::any_io_executor home, Told& told) : home_(std::move(home)), told_(told) {}

  grpc::ServerUnaryReactor* ReplaceBootTasks(grpc::CallbackServerContext* context,
                                             const pxe::v1::ReplaceBootTasksRequest* request,
                                             pxe::v1::ReplaceBootTasksResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const pxe::v1::ReplaceBootTasksRequest& r)
                      -> absl::StatusOr<pxe::v1::ReplaceBootTasksResponse> { return Replace(r); });
  }

  grpc::ServerUnaryReactor* ListBootTasks(grpc::CallbackServerContext* context,
                                          const pxe::v1::ListBootTasksRequest* request,
                                          pxe::v1::ListBootTasksResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const pxe::v1::ListBootTasksRequest&)
                      -> absl::StatusOr<pxe::v1::ListBootTasksResponse> {
                    pxe::v1::ListBootTasksResponse list;
                    if (told_.tables.empty()) return list;
                    for (const auto& task : told_.tables.back().tasks()) {
                      auto& tracked = *list.add_tasks();
                      *tracked.mutable_task() = task;
                      tracked.mutable_progress()->set_status(task::v1::TASK_STATUS_BOOTING);
                    }
                    return list;
                  });
  }

 private:
  pxe::v1::ReplaceBootTasksResponse Replace(const pxe::v1::ReplaceBootTasksRequest& request) {
    pxe::v1::ReplaceBootTasksResponse response;
    if (request.revision() > told_.pxe_revision) {
      told_.pxe_revision = request.revision();
      told_.tables.push_back(request);
    }
    response.set_applied_revision(told_.pxe_revision);
    for (const auto& task : request.tasks()) {
      if (task.id() != told_.refuse_task) continue;
      auto& refused = *response.add_refused();
      refused.set_task_id(task.id());
      refused.set_reason("no such disk");
    }
    return response;
  }

  asio::any_io_executor home_;
  Told& told_;
};

class FakeCache final : public cache::v1::CacheService::CallbackService {
 public:
  FakeCache(asio::any_io_executor home, Told& told) : home_(std::move(home)), told_(told) {}

  grpc::ServerUnaryReactor* PlanPrepull(grpc::CallbackServerContext* context,
                                        const cache::v1::PlanPrepullRequest* request,
                                        cache::v1::PlanPrepullResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const cache::v1::PlanPrepullRequest& r)
                      -> absl::StatusOr<cache::v1::PlanPrepullResponse> {
                    told_.pulls.push_back(r.prepull().image_id());
                    return cache::v1::PlanPrepullResponse();
                  });
  }

  grpc::ServerUnaryReactor* ListImages(grpc::CallbackServerContext* context,
                                       const cache::v1::ListImagesRequest* request,
                                       cache::v1::ListImagesResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const cache::v1::ListImagesRequest&)
                      -> absl::StatusOr<cache::v1::ListImagesResponse> {
                    cache::v1::ListImagesResponse list;
                    auto& image = *list.add_images();
                    image.set_id("img-7");
                    image.set_size_bytes(4'500'000'000);
                    image.set_state(told_.image_state);
                    return list;
                  });
  }

 private:
  asio::any_io_executor home_;
  Told& told_;
};

class FakeDiscovery final : public discovery::v1::DiscoveryService::CallbackService {
 public:
  FakeDiscovery(asio::any_io_executor home, Told& told) : home_(std::move(home)), told_(told) {}

  grpc::ServerUnaryReactor* StartScan(grpc::CallbackServerContext* context,
                                      const discovery::v1::StartScanRequest* request,
                                      discovery::v1::StartScanResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const discovery::v1::StartScanRequest& r)
                      -> absl::StatusOr<discovery::v1::StartScanResponse> {
                    told_.scans.push_back(r.scan_id());
                    return discovery::v1::StartScanResponse();
                  });
  }

  grpc::ServerUnaryReactor* WakeDevice(grpc::CallbackServerContext* context,
                                       const discovery::v1::WakeDeviceRequest* request,
                                       discovery::v1::WakeDeviceResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const discovery::v1::WakeDeviceRequest& r)
                      -> absl::StatusOr<discovery::v1::WakeDeviceResponse> {
                    told_.wakes.push_back(r.command_id() + " " + r.mac());
                    return discovery::v1::WakeDeviceResponse();
                  });
  }

 private:
  asio::any_io_executor home_;
  Told& told_;
};

class FakeAgent final : public agent::v1::AgentService::CallbackService {
 public:
  FakeAgent(asio::any_io_executor home, Told& told) : home_(std::move(home)), told_(told) {}

  grpc::ServerUnaryReactor* TakeOrder(grpc::CallbackServerContext* context,
                                      const agent::v1::TakeOrderRequest* request,
                                      agent::v1::TakeOrderResponse* response) override {
    return Answer(home_, context, request, response,
                  [this](const agent::v1::TakeOrderRequest& r)
                      -> absl::StatusOr<agent::v1::TakeOrderResponse> {
                    if (!told_.job_answer.ok()) return told_.job_answer;
                    told_.jobs.push_back(r);
                    return agent::v1::TakeOrderResponse();
                  });
  }

 private:
  asio::any_io_executor home_;
  Told& told_;
};

std::unique_ptr<grpc::Service> MakeOwnService(const std::string& name,
                                              asio::any_io_executor home,
                                              Told& told) {
  if (name == "pxe") return std::make_unique<FakePxe>(home, told);
  if (name == "cache") return std::make_unique<FakeCache>(home, told);
  if (name == "discovery") return std::make_unique<FakeDiscovery>(home, told);
  if (name == "agent") return std::make_unique<FakeAgent>(home, told);
  return nullptr;  // uplink: the real one registers its own.
}

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeConfig(asio::any_io_executor home,
                                              const std::string& name,
                                              Told& told) {
  return std::make_unique<FakeConfig>(std::move(home), name, told);
}

FakeService::FakeService(Loop& loop,
                         asio::thread_pool& blocking,
                         const std::string& name,
                         const std::filesystem::path& folder,
                         Told& told)
    : loop_(loop) {
  store_ = *store::Store::Open((folder / name).string());
  log_ = *events::EventLog::Open(*store_, loop.home(), blocking);
  services_.push_back(events::MakeEventService(loop.home(), *log_));
  services_.push_back(MakeFakeConfig(loop.home(), name, told));
  services_.push_back(MakeOwnService(name, loop.home(), told));
  server_ = std::make_unique<rpc::Server>(loop.home(), rpc::PeerPolicy{});
  for (const auto& service : services_)
    server_->Register(*service);
  EXPECT_TRUE(server_->Start((folder / (name + ".sock")).string()).ok());
}

FakeService::~FakeService() {
  log_->Close();
  loop_.ShutDown(*server_);
}

std::uint64_t FakeService::Append(const std::string& type,
                                  const std::string& body_json,
                                  events::Priority lane) {
  auto append = log_->Append(events::MakeEvent(type, "", lane, body_json, absl::Now()));
  return loop_.Await(std::move(append)).value();
}

}  // namespace tentacle::testing
