#include "services/pxe/peers.h"

#include <tentacle/cache/v1/cache_service.grpc.pb.h>

#include <absl/strings/match.h>

#include "libs/rpc/call.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using AsyncStub = cache::v1::CacheService::StubInterface::async_interface;

// gRPC tells of a socket that nobody listens on in words for programmers, and the backend's page
// shows our reason. What the cache itself says comes through as it is.
absl::Status InPlainWords(const absl::Status& status) {
  const bool no_connection =
      absl::IsUnavailable(status) && absl::StrContains(status.message(), "unix:");
  if (no_connection) return absl::UnavailableError("the cache service is not running");
  if (absl::IsDeadlineExceeded(status))
    return absl::DeadlineExceededError("the cache service does not answer in time");
  return status;
}

class GrpcCachePeer final : public CachePeer {
 public:
  explicit GrpcCachePeer(const std::string& socket_path)
      : channel_(rpc::Dial(socket_path)), stub_(cache::v1::CacheService::NewStub(channel_)) {}

  asio::awaitable<absl::StatusOr<cache::v1::GetImageResponse>> GetImage(
      std::string image_id) override {
    cache::v1::GetImageRequest request;
    request.set_image_id(std::move(image_id));
    auto response =
        co_await rpc::Call<AsyncStub, cache::v1::GetImageRequest, cache::v1::GetImageResponse>(
            stub_->async(), &AsyncStub::GetImage, std::move(request), limits::kCacheCallTimeout);
    if (!response.ok()) co_return Note(response.status());
    co_return response;
  }

  asio::awaitable<absl::Status> PullImage(std::string image_id) override {
    cache::v1::PullImageRequest request;
    request.set_image_id(std::move(image_id));
    const auto response =
        co_await rpc::Call<AsyncStub, cache::v1::PullImageRequest, cache::v1::PullImageResponse>(
            stub_->async(), &AsyncStub::PullImage, std::move(request), limits::kCacheCallTimeout);
    co_return Note(response.status());
  }

  asio::awaitable<absl::Status> KeepImages(std::set<std::string> image_ids) override {
    cache::v1::ReplaceNeededImagesRequest request;
    for (const std::string& id : image_ids)
      request.add_image_ids(id);
    const auto response = co_await rpc::Call<AsyncStub, cache::v1::ReplaceNeededImagesRequest,
                                             cache::v1::ReplaceNeededImagesResponse>(
        stub_->async(), &AsyncStub::ReplaceNeededImages, std::move(request),
        limits::kCacheCallTimeout);
    co_return Note(response.status());
  }

 private:
  absl::Status Note(const absl::Status& status) {
    if (absl::IsUnavailable(status)) rpc::Redial(*channel_);
    return InPlainWords(status);
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<cache::v1::CacheService::Stub> stub_;
};

}  // namespace

std::unique_ptr<CachePeer> DialCache(const std::string& socket_path) {
  return std::make_unique<GrpcCachePeer>(socket_path);
}

}  // namespace tentacle::pxe
