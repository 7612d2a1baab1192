#include "services/cache/cache_service.h"

#include <tentacle/cache/v1/cache_service.grpc.pb.h>

#include "libs/rpc/serve.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

class CacheService final : public v1::CacheService::CallbackService {
 public:
  CacheService(asio::any_io_executor home, ImageLibrary& library, const runtime::ConfigFeed& config)
      : home_(std::move(home)), library_(library), config_(config) {}

  grpc::ServerUnaryReactor* ListImages(grpc::CallbackServerContext* context,
                                       const v1::ListImagesRequest* request,
                                       v1::ListImagesResponse* response) override {
    return rpc::Serve<v1::ListImagesRequest, v1::ListImagesResponse>(
        home_, context, request, response, [this](const v1::ListImagesRequest&) { return List(); });
  }

  grpc::ServerUnaryReactor* GetImage(grpc::CallbackServerContext* context,
                                     const v1::GetImageRequest* request,
                                     v1::GetImageResponse* response) override {
    return rpc::Serve<v1::GetImageRequest, v1::GetImageResponse>(
        home_, context, request, response,
        [this](const v1::GetImageRequest& r) { return Get(r.image_id()); });
  }

  grpc::ServerUnaryReactor* PullImage(grpc::CallbackServerContext* context,
                                      const v1::PullImageRequest* request,
                                      v1::PullImageResponse* response) override {
    return rpc::Serve<v1::PullImageRequest, v1::PullImageResponse>(
        home_, context, request, response,
        [this](const v1::PullImageRequest& r) { return Pull(r.image_id()); });
  }

  grpc::ServerUnaryReactor* EvictImage(grpc::CallbackServerContext* context,
                                       const v1::EvictImageRequest* request,
                                       v1::EvictImageResponse* response) override {
    return rpc::Serve<v1::EvictImageRequest, v1::EvictImageResponse>(
        home_, context, request, response,
        [this](const v1::EvictImageRequest& r) { return Evict(r.image_id()); });
  }

 private:
  asio::awaitable<absl::StatusOr<v1::ListImagesResponse>> List() {
    v1::ListImagesResponse response;
    for (const auto& [id, entry] : library_.entries())
      *response.add_images() = entry->image;
    response.set_used_bytes(library_.UsedBytes());
    response.set_max_bytes(config_.current().cache().max_bytes());
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::GetImageResponse>> Get(std::string image_id) {
    const auto entry = co_await library_.Find(std::move(image_id));
    if (!entry.ok()) co_return entry.status();
    v1::GetImageResponse response;
    *response.mutable_image() = (*entry)->image;
    response.set_http_port(config_.current().cache().http_port());
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::PullImageResponse>> Pull(std::string image_id) {
    const auto entry = co_await library_.Demand(std::move(image_id), Asker::kTask);
    if (!entry.ok()) co_return entry.status();
    v1::PullImageResponse response;
    *response.mutable_image() = (*entry)->image;
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::EvictImageResponse>> Evict(std::string image_id) {
    const auto freed = library_.Evict(image_id);
    if (!freed.ok()) co_return freed.status();
    v1::EvictImageResponse response;
    response.set_freed_bytes(*freed);
    co_return response;
  }

  asio::any_io_executor home_;
  ImageLibrary& library_;
  const runtime::ConfigFeed& config_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCacheService(asio::any_io_executor home,
                                                ImageLibrary& library,
                                                const runtime::ConfigFeed& config) {
  return std::make_unique<CacheService>(std::move(home), library, config);
}

}  // namespace tentacle::cache
