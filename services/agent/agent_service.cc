#include "services/agent/agent_service.h"

#include <string>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>

#include "libs/rpc/serve.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

v1::JobState ToProto(JobState state) {
  switch (state) {
    case JobState::kQueued:
      return v1::JOB_STATE_QUEUED;
    case JobState::kRunning:
      return v1::JOB_STATE_RUNNING;
    case JobState::kSucceeded:
      return v1::JOB_STATE_SUCCEEDED;
    case JobState::kFailed:
      return v1::JOB_STATE_FAILED;
    case JobState::kTimedOut:
      return v1::JOB_STATE_TIMED_OUT;
    case JobState::kCancelled:
      return v1::JOB_STATE_CANCELLED;
    case JobState::kInterrupted:
      return v1::JOB_STATE_INTERRUPTED;
    case JobState::kExpired:
      return v1::JOB_STATE_EXPIRED;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

// seconds and nanos have one sign (google/protobuf/duration.proto); absl's remainder has as well.
void ToProto(absl::Duration duration, google::protobuf::Duration& proto) {
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(duration)));
}

void ToProto(const JobRecord& record, v1::JobResult& proto) {
  proto.set_id(record.request.id);
  proto.set_state(ToProto(record.state));
  proto.set_exit_code(record.exit_code);
  proto.set_stdout_bytes(record.stdout_bytes);
  proto.set_stderr_bytes(record.stderr_bytes);
  proto.set_reason(record.reason);
  if (record.started_at == absl::UnixEpoch()) return;
  proto.mutable_started_at()->set_seconds(absl::ToUnixSeconds(record.started_at));
  const auto part =
      record.started_at - absl::FromUnixSeconds(absl::ToUnixSeconds(record.started_at));
  proto.mutable_started_at()->set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(part)));
  if (record.ended_at > record.started_at) {
    ToProto(record.ended_at - record.started_at, *proto.mutable_duration());
  }
}

asio::awaitable<absl::StatusOr<v1::GetInventoryResponse>> AskInventory(
    std::shared_ptr<HostReporter> host) {
  auto json = co_await host->InventoryNow();
  if (!json.ok()) co_return json.status();
  v1::GetInventoryResponse response;
  response.set_inventory_json(*std::move(json));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetMetricsResponse>> AskMetrics(
    std::shared_ptr<HostReporter> host) {
  auto json = co_await host->MetricsNow();
  if (!json.ok()) co_return json.status();
  v1::GetMetricsResponse response;
  response.set_metrics_json(*std::move(json));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::TakeOrderResponse>> Take(std::shared_ptr<OrderDesk> orders,
                                                            v1::TakeOrderRequest asked) {
  SignedOrder order{asked.order(), asked.signature(), asked.reference(), asked.credentials()};
  const absl::Status status = co_await orders->Take(std::move(order));
  if (!status.ok()) co_return status;
  co_return v1::TakeOrderResponse();
}

asio::awaitable<absl::StatusOr<v1::GetJobResponse>> Get(std::shared_ptr<JobRunner> jobs,
                                                        std::string id) {
  auto known = co_await jobs->GetJob(std::move(id));
  if (!known.ok()) co_return known.status();
  v1::GetJobResponse response;
  ToProto(known->record, *response.mutable_result());
  response.mutable_result()->set_stdout_tail(std::move(known->outputs.stdout_tail));
  response.mutable_result()->set_stderr_tail(std::move(known->outputs.stderr_tail));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::CancelJobResponse>> Cancel(std::shared_ptr<JobRunner> jobs,
                                                              std::string id) {
  const auto record = co_await jobs->CancelJob(std::move(id));
  if (!record.ok()) co_return record.status();
  v1::CancelJobResponse response;
  ToProto(*record, *response.mutable_result());
  co_return response;
}

}  // namespace

grpc::ServerUnaryReactor* AgentService::GetInventory(grpc::CallbackServerContext* context,
                                                     const v1::GetInventoryRequest* request,
                                                     v1::GetInventoryResponse* response) {
  return rpc::Serve<v1::GetInventoryRequest, v1::GetInventoryResponse>(
      home_, context, request, response,
      [host = host_](const auto&) { return AskInventory(host); });
}

grpc::ServerUnaryReactor* AgentService::GetMetrics(grpc::CallbackServerContext* context,
                                                   const v1::GetMetricsRequest* request,
                                                   v1::GetMetricsResponse* response) {
  return rpc::Serve<v1::GetMetricsRequest, v1::GetMetricsResponse>(
      home_, context, request, response, [host = host_](const auto&) { return AskMetrics(host); });
}

grpc::ServerUnaryReactor* AgentService::TakeOrder(grpc::CallbackServerContext* context,
                                                  const v1::TakeOrderRequest* request,
                                                  v1::TakeOrderResponse* response) {
  return rpc::Serve<v1::TakeOrderRequest, v1::TakeOrderResponse>(
      home_, context, request, response,
      [orders = orders_](const auto& asked) { return Take(orders, asked); });
}

grpc::ServerUnaryReactor* AgentService::GetJob(grpc::CallbackServerContext* context,
                                               const v1::GetJobRequest* request,
                                               v1::GetJobResponse* response) {
  return rpc::Serve<v1::GetJobRequest, v1::GetJobResponse>(
      home_, context, request, response,
      [jobs = jobs_](const auto& asked) { return Get(jobs, asked.job_id()); });
}

grpc::ServerUnaryReactor* AgentService::CancelJob(grpc::CallbackServerContext* context,
                                                  const v1::CancelJobRequest* request,
                                                  v1::CancelJobResponse* response) {
  return rpc::Serve<v1::CancelJobRequest, v1::CancelJobResponse>(
      home_, context, request, response,
      [jobs = jobs_](const auto& asked) { return Cancel(jobs, asked.job_id()); });
}

}  // namespace tentacle::agent
