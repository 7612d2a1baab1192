#include "libs/runtime/config_service.h"

#include <tentacle/config/v1/config_service.grpc.pb.h>

#include "libs/rpc/serve.h"

namespace tentacle::runtime {

namespace {

namespace asio = boost::asio;
using config::v1::GetConfigRequest;
using config::v1::GetConfigResponse;
using config::v1::ReplaceConfigRequest;
using config::v1::ReplaceConfigResponse;

class ConfigServiceImpl final : public config::v1::ConfigService::CallbackService {
 public:
  ConfigServiceImpl(asio::any_io_executor home, StoredConfigFeed& feed)
      : home_(std::move(home)), feed_(feed) {}

  grpc::ServerUnaryReactor* ReplaceConfig(grpc::CallbackServerContext* context,
                                          const ReplaceConfigRequest* request,
                                          ReplaceConfigResponse* response) override {
    return rpc::Serve<ReplaceConfigRequest, ReplaceConfigResponse>(
        home_, context, request, response,
        [this](const ReplaceConfigRequest& r) { return Replace(r); });
  }

  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* context,
                                      const GetConfigRequest* request,
                                      GetConfigResponse* response) override {
    return rpc::Serve<GetConfigRequest, GetConfigResponse>(
        home_, context, request, response, [this](const GetConfigRequest&) { return Get(); });
  }

 private:
  asio::awaitable<absl::StatusOr<ReplaceConfigResponse>> Replace(ReplaceConfigRequest request) {
    absl::Status status = feed_.Replace(request.revision(), request.remote_json());
    if (!status.ok()) co_return status;
    ReplaceConfigResponse response;
    response.set_applied_revision(feed_.revision());
    co_return response;
  }

  asio::awaitable<absl::StatusOr<GetConfigResponse>> Get() {
    GetConfigResponse response;
    response.set_revision(feed_.revision());
    *response.mutable_config() = feed_.current();
    co_return response;
  }

  asio::any_io_executor home_;
  StoredConfigFeed& feed_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeConfigService(asio::any_io_executor home,
                                                 StoredConfigFeed& feed) {
  return std::make_unique<ConfigServiceImpl>(std::move(home), feed);
}

}  // namespace tentacle::runtime
