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
               Planning& planning,
               const runtime::ConfigFeed& config)
      : home_(std::move(home)),
        library_(library),
        scrubber_(scrubber),
        planning_(planning),
        config_(config) {}

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

  grpc::ServerUnaryReactor* CancelPull(grpc::CallbackServerContext* context,
                                       const v1::CancelPullRequest* request,
                                       v1::CancelPullResponse* response) override {
    return rpc::Serve<v1::CancelPullRequest, v1::CancelPullResponse>(
        home_, context, request, response,
        [this](const v1::CancelPullRequest& r) { return CancelPullOf(r.image_id()); });
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

  grpc::ServerUnaryReactor* PlanPrepull(grpc::CallbackServerContext* context,
                                        const v1::PlanPrepullRequest* request,
                                        v1::PlanPrepullResponse* response) override {
    return rpc::Serve<v1::PlanPrepullRequest, v1::PlanPrepullResponse>(
        home_, context, request, response,
        [this](const v1::PlanPrepullRequest& r) { return Plan(r.prepull()); });
  }

  grpc::ServerUnaryReactor* CancelPrepull(grpc::CallbackServerContext* context,
                                          const v1::CancelPrepullRequest* request,
                                          v1::CancelPrepullResponse* response) override {
    return rpc::Serve<v1::CancelPrepullRequest, v1::CancelPrepullResponse>(
        home_, context, request, response,
        [this](const v1::CancelPrepullRequest& r) { return CancelOne(r.id()); });
  }

  grpc::ServerUnaryReactor* ListPrepulls(grpc::CallbackServerContext* context,
                                         const v1::ListPrepullsRequest* request,
                                         v1::ListPrepullsResponse* response) override {
    return rpc::Serve<v1::ListPrepullsRequest, v1::ListPrepullsResponse>(
        home_, context, request, response,
        [this](const v1::ListPrepullsRequest& r) { return Planned(r); });
  }

  grpc::ServerUnaryReactor* ReplacePeers(grpc::CallbackServerContext* context,
                                         const v1::ReplacePeersRequest* request,
                                         v1::ReplacePeersResponse* response) override {
    return rpc::Serve<v1::ReplacePeersRequest, v1::ReplacePeersResponse>(
        home_, context, request, response,
        [this](const v1::ReplacePeersRequest& r) { return Peers(r); });
  }

  grpc::ServerUnaryReactor* GetLine(grpc::CallbackServerContext* context,
                                    const v1::GetLineRequest* request,
                                    v1::GetLineResponse* response) override {
    return rpc::Serve<v1::GetLineRequest, v1::GetLineResponse>(
        home_, context, request, response, [this](const v1::GetLineRequest& r) { return Line(r); });
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
    const std::string idle = library_.IdleReason();
    if (!idle.empty() && !planning_.links.IsRelay()) co_return absl::FailedPreconditionError(idle);
    const auto entry = co_await library_.Find(std::move(image_id));
    if (!entry.ok()) co_return entry.status();
    v1::GetImageResponse response;
    *response.mutable_image() = (*entry)->image;
    response.set_http_port(config_.current().cache().http_port());
    if (!planning_.links.IsRelay()) co_return response;
    const auto link = co_await planning_.links.LinkOf((*entry)->image.id());
    if (!link.ok()) co_return link.status();
    response.set_direct_url(*link);
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::PullImageResponse>> Pull(std::string image_id) {
    if (planning_.links.IsRelay()) {
      // Nothing is kept here: that the backend has it is all that can be asked for.
      const auto known = co_await library_.Find(std::move(image_id));
      if (!known.ok()) co_return known.status();
      v1::PullImageResponse relayed;
      *relayed.mutable_image() = (*known)->image;
      co_return relayed;
    }
    const auto entry = co_await library_.Demand(std::move(image_id), PullClass::kTask);
    if (!entry.ok()) co_return entry.status();
    v1::PullImageResponse response;
    *response.mutable_image() = (*entry)->image;
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::CancelPullResponse>> CancelPullOf(std::string image_id) {
    const auto entry = library_.CancelPull(image_id);
    if (!entry.ok()) co_return entry.status();
    v1::CancelPullResponse response;
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

  asio::awaitable<absl::StatusOr<v1::PlanPrepullResponse>> Plan(v1::Prepull prepull) {
    auto planned = co_await planning_.prepulls.Plan(std::move(prepull));
    if (!planned.ok()) co_return planned.status();
    v1::PlanPrepullResponse response;
    *response.mutable_planned() = *std::move(planned);
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::CancelPrepullResponse>> CancelOne(std::string id) {
    planning_.prepulls.Cancel(std::move(id));
    co_return v1::CancelPrepullResponse();
  }

  asio::awaitable<absl::StatusOr<v1::ListPrepullsResponse>> Planned(v1::ListPrepullsRequest) {
    v1::ListPrepullsResponse response;
    for (v1::PlannedPrepull& planned : planning_.prepulls.List())
      *response.add_prepulls() = std::move(planned);
    co_return response;
  }

  asio::awaitable<absl::StatusOr<v1::ReplacePeersResponse>> Peers(v1::ReplacePeersRequest table) {
    planning_.ReplacePeers(table);
    co_return v1::ReplacePeersResponse();
  }

  asio::awaitable<absl::StatusOr<v1::GetLineResponse>> Line(v1::GetLineRequest) {
    v1::GetLineResponse response;
    *response.mutable_ledger() = planning_.line.ledger();
    if (const auto limit = planning_.line.limiter().limit_mbit()) response.set_limit_mbit(*limit);
    response.set_site(planning_.neighbours->site());
    for (v1::PeerView& view : planning_.neighbours->Views())
      *response.add_peers() = std::move(view);
    co_return response;
  }

  asio::any_io_executor home_;
  ImageLibrary& library_;
  Scrubber& scrubber_;
  Planning& planning_;
  const runtime::ConfigFeed& config_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCacheService(asio::any_io_executor home,
                                                ImageLibrary& library,
                                                Scrubber& scrubber,
                                                Planning& planning,
                                                const runtime::ConfigFeed& config) {
  return std::make_unique<CacheService>(std::move(home), library, scrubber, planning, config);
}

}  // namespace tentacle::cache
