#include "services/pxe/peers.h"

#include <tentacle/cache/v1/cache_service.grpc.pb.h>

#include "libs/rpc/call.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using AsyncStub = cache::v1::CacheService::StubInterface::async_interface;

class GrpcCachePeer final : public CachePeer {
 public:
  explicit GrpcCachePeer(const std::string& socket_path)
      : stub_(cache::v1::CacheService::NewStub(rpc::Dial(socket_path))) {}

  asio::awaitable<absl::StatusOr<cache::v1::GetImageResponse>> GetImage(std::string image_id) override {
    cache::v1::GetImageRequest request;
    request.set_image_id(std::move(image_id));
    co_return co_await rpc::Call<AsyncStub, cache::v1::GetImageRequest, cache::v1::GetImageResponse>(
        stub_->async(), &AsyncStub::GetImage, std::move(request), limits::kCacheCallTimeout);
  }

  asio::awaitable<absl::Status> PullImage(std::string image_id) override {
    cache::v1::PullImageRequest request;
    request.set_image_id(std::move(image_id));
    const auto response = co_await rpc::Call<AsyncStub, cache::v1::PullImageRequest, cache::v1::PullImageResponse>(
        stub_->async(), &AsyncStub::PullImage, std::move(request), limits::kCacheCallTimeout);
    co_return response.status();
  }

 private:
  std::unique_ptr<cache::v1::CacheService::Stub> stub_;
};

}  // namespace

std::unique_ptr<CachePeer> DialCache(const std::string& socket_path) {
  return std::make_unique<GrpcCachePeer>(socket_path);
}

}  // namespace tentacle::pxe
