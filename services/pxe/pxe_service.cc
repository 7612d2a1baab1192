#include "services/pxe/pxe_service.h"

#include <tentacle/pxe/v1/pxe_service.grpc.pb.h>

#include <optional>

#include <absl/time/time.h>

#include "libs/rpc/serve.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using v1::ListBootsRequest;
using v1::ListBootsResponse;
using v1::ListBootTasksRequest;
using v1::ListBootTasksResponse;
using v1::ReplaceBootTasksRequest;
using v1::ReplaceBootTasksResponse;

class PxeService final : public v1::PxeService::CallbackService {
 public:
  PxeService(asio::any_io_executor home, BootDesk& desk) : home_(std::move(home)), desk_(desk) {}

  grpc::ServerUnaryReactor* ReplaceBootTasks(grpc::CallbackServerContext* context,
                                             const ReplaceBootTasksRequest* request,
                                             ReplaceBootTasksResponse* response) override {
    return rpc::Serve<ReplaceBootTasksRequest, ReplaceBootTasksResponse>(
        home_, context, request, response,
        [this](const ReplaceBootTasksRequest& r) { return Replace(r); });
  }

  grpc::ServerUnaryReactor* ListBootTasks(grpc::CallbackServerContext* context,
                                          const ListBootTasksRequest* request,
                                          ListBootTasksResponse* response) override {
    return rpc::Serve<ListBootTasksRequest, ListBootTasksResponse>(
        home_, context, request, response, [this](const ListBootTasksRequest&) { return List(); });
  }

  grpc::ServerUnaryReactor* ListBoots(grpc::CallbackServerContext* context,
                                      const ListBootsRequest* request,
                                      ListBootsResponse* response) override {
    return rpc::Serve<ListBootsRequest, ListBootsResponse>(
        home_, context, request, response, [this](const ListBootsRequest&) { return Boots(); });
  }

 private:
  asio::awaitable<absl::StatusOr<ReplaceBootTasksResponse>> Replace(
      ReplaceBootTasksRequest request) {
    std::optional<absl::Time> backend_time;
    if (request.has_backend_time()) {
      backend_time = absl::FromUnixSeconds(request.backend_time().seconds()) +
                     absl::Nanoseconds(request.backend_time().nanos());
    }
    desk_.LearnTime(backend_time);
    const auto refused = co_await desk_.Replace(request.revision(),
                                                {request.tasks().begin(), request.tasks().end()});
    ReplaceBootTasksResponse response;
    response.set_applied_revision(desk_.table().revision());
    for (const RefusedTask& one : refused) {
      auto* out = response.add_refused();
      out->set_task_id(one.task_id);
      out->set_reason(one.reason);
    }
    co_return response;
  }

  asio::awaitable<absl::StatusOr<ListBootTasksResponse>> List() {
    ListBootTasksResponse response;
    response.set_revision(desk_.table().revision());
    for (const auto& [mac, tracked] : desk_.table().tasks()) {
      auto* out = response.add_tasks();
      *out->mutable_task() = tracked.task;
      // Who may list tasks need not know their passwords.
      out->mutable_task()->clear_source_json();
      out->mutable_task()->clear_admin_password();
      out->mutable_task()->mutable_domain()->clear_password();
      out->mutable_task()->mutable_domain()->clear_account_data();
      *out->mutable_progress() = tracked.progress;
    }
    co_return response;
  }

  asio::awaitable<absl::StatusOr<ListBootsResponse>> Boots() {
    ListBootsResponse response;
    for (const BootRecord& boot : desk_.boots().List()) {
      auto* out = response.add_boots();
      out->set_mac(boot.mac.ToString());
      out->set_task_id(boot.task_id);
      out->set_hostname(boot.hostname);
      out->set_verdict(boot.verdict);
      out->set_complete(boot.complete);
      for (std::size_t i = 0; i < boot.stages.size(); ++i) {
        auto* stage = out->add_stages();
        const absl::Time at = boot.stages[i].at;
        stage->mutable_time()->set_seconds(absl::ToUnixSeconds(at));
        stage->mutable_time()->set_nanos(static_cast<std::int32_t>(absl::ToUnixMillis(at) % 1000) *
                                         1'000'000);
        stage->set_step(boot.stages[i].step);
        stage->set_detail(boot.stages[i].detail);
        out->add_stage_milliseconds(
            static_cast<std::uint64_t>(absl::ToInt64Milliseconds(boot.Took(i))));
      }
    }
    co_return response;
  }

  asio::any_io_executor home_;
  BootDesk& desk_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePxeService(asio::any_io_executor home, BootDesk& desk) {
  return std::make_unique<PxeService>(std::move(home), desk);
}

}  // namespace tentacle::pxe
