// gRPC adapter: AgentService over the runner and the reporter.
#pragma once

#include <tentacle/agent/v1/agent_service.grpc.pb.h>

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <grpcpp/grpcpp.h>

#include "services/agent/host_reporter.h"
#include "services/agent/job_runner.h"
#include "services/agent/order_desk.h"

namespace tentacle::agent {

class AgentService final : public v1::AgentService::CallbackService {
 public:
  AgentService(boost::asio::any_io_executor home,
               std::shared_ptr<JobRunner> jobs,
               std::shared_ptr<HostReporter> host,
               std::shared_ptr<OrderDesk> orders)
      : home_(home), jobs_(std::move(jobs)), host_(std::move(host)), orders_(std::move(orders)) {}

  grpc::ServerUnaryReactor* GetInventory(grpc::CallbackServerContext* context,
                                         const v1::GetInventoryRequest* request,
                                         v1::GetInventoryResponse* response) override;
  grpc::ServerUnaryReactor* GetMetrics(grpc::CallbackServerContext* context,
                                       const v1::GetMetricsRequest* request,
                                       v1::GetMetricsResponse* response) override;
  grpc::ServerUnaryReactor* TakeOrder(grpc::CallbackServerContext* context,
                                      const v1::TakeOrderRequest* request,
                                      v1::TakeOrderResponse* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request,
                                   v1::GetJobResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::CancelJobResponse* response) override;

 private:
  boost::asio::any_io_executor home_;
  std::shared_ptr<JobRunner> jobs_;
  std::shared_ptr<HostReporter> host_;
  std::shared_ptr<OrderDesk> orders_;
};

}  // namespace tentacle::agent
