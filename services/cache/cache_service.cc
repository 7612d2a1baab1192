#include "services/cache/cache_service.h"

#include <tentacle/cache/v1/cache_service.grpc.pb.h>

#include "libs/rpc/serve.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

class CacheService final : public v1::CacheService::CallbackService {
 public:
  CacheService(asio::any_io_executor home,
               ImageLibrary& library,
               Scrubber& scrubber,
               const runtime::ConfigFeed& config)
      : home_(std::move(home)), library_(library), scrubber_(scrubber), config_(config) {}

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

  grpc::ServerUnaryReactor* PinImage(grpc::CallbackServerContext* context,
                                     const v1::PinImageRequest* request,
                                     v1::PinImageResponse* response) override {
    return rpc::Serve<v1::PinImageRequest, v1::PinImageResponse>(
        home_, context, request, response, [this](const v1::PinImageRequest& r) {
          return Pin<v1::PinImageResponse>(r.image_id(), true);
        });
  }

  grpc::ServerUnaryReactor* UnpinImage(grpc::CallbackServerContext* context,
                                       const v1::UnpinImageRequest* request,
                                       v1::UnpinImageResponse* response) override {
    return rpc::Serve<v1::UnpinImageRequest, v1::UnpinImageResponse>(
        home_, context, request, response, [this](const v1::UnpinImageRequest& r) {
          return Pin<v1::UnpinImageResponse>(r.image_id(), false);
        });
  }

  grpc::ServerUnaryReactor* VerifyImage(grpc::CallbackServerContext* context,
                                        const v1::VerifyImageRequest* request,
                                        v1::VerifyImageResponse* response) override {
    return rpc::Serve<v1::VerifyImageRequest, v1::VerifyImageResponse>(
        home_, context, request, response,
        [this](const v1::VerifyImageRequest& r) { return Verify(r.image_id()); });
  }

  grpc::ServerUnaryReactor* ReplaceNeededImages(
      grpc::CallbackServerContext* context,
      const v1::ReplaceNeededImagesRequest* request,
      v1::ReplaceNeededImagesResponse* response) override {
    return rpc::Serve<v1::ReplaceNeededImagesRequest, v1::ReplaceNeededImagesResponse>(
        home_, context, request, response, [this](const v1::ReplaceNeededImagesRequest& r) {
          return ReplaceNeeded({r.image_ids().begin(), r.image_ids().end()});
        });
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

  template <class Response>
  asio::awaitable<absl::StatusOr<Response>> Pin(std::string image_id, bool pinned) {
    const auto entry = co_await library_.Pin(std::move(image_id), pinned);
    if (!entry.ok()) co_return entry.status();
    Response response;
    *response.mutable_image() = (*entry)->image;
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::VerifyImageResponse>> Verify(std::string image_id) {
    const auto entry = scrubber_.Request(image_id);
    if (!entry.ok()) co_return entry.status();
    v1::VerifyImageResponse response;
    *response.mutable_image() = (*entry)->image;
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::ReplaceNeededImagesResponse>> ReplaceNeeded(
      std::set<std::string> image_ids) {
    library_.ReplaceNeeded(std::move(image_ids));
    co_return v1::ReplaceNeededImagesResponse();
  }

  asio::any_io_executor home_;
  ImageLibrary& library_;
  Scrubber& scrubber_;
  const runtime::ConfigFeed& config_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCacheService(asio::any_io_executor home,
                                                ImageLibrary& library,
                                                Scrubber& scrubber,
                                                const runtime::ConfigFeed& config) {
  return std::make_unique<CacheService>(std::move(home), library, scrubber, config);
}

}  // namespace tentacle::cache
