// The agent's gRPC service on a Unix socket, asked by a real client.
#include "services/agent/agent_service.h"

#include <tentacle/agent/v1/agent_service.grpc.pb.h>

#include <filesystem>
#include <memory>
#include <string>

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/backend_link/order.h"
#include "libs/identity/signed_order.h"
#include "libs/rpc/call.h"
#include "libs/rpc/server.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;

using AsyncStub = v1::AgentService::StubInterface::async_interface;

HostSources PiSources() {
  HostSources sources;
  sources.root = testing::MachineRoot("raspberry-pi");
  sources.addresses = [] {
    return absl::StatusOr<std::vector<net::InterfaceAddress>>(std::vector<net::InterfaceAddress>());
  };
  sources.disk_space = [](const std::string&) {
    return absl::StatusOr<DiskSpace>(DiskSpace{100, 50});
  };
  return sources;
}

class AgentServiceTest : public ::testing::Test {
 protected:
  AgentServiceTest() {
    JobRunner::Settings settings;
    settings.key_file = folder_ / "jobs.key";
    settings.folders = {folder_ / "jobs", folder_ / "user-jobs"};
    settings.environment = {{"PATH", "/usr/bin:/bin"}};
    const auto metrics = std::make_shared<Metrics>(registry_);
    jobs_ = std::make_shared<JobRunner>(loop_.home(), loop_.pool(), clock_, log_, metrics, store_,
                                        events_, settings);
    host_ = std::make_shared<HostReporter>(loop_.home(), loop_.pool(), clock_, log_, metrics,
                                           health_, store_, events_, PiSources());
    orders_ = std::make_shared<OrderDesk>(clock_, log_, metrics, jobs_);
    orders_->Configure(key_.PublicKeyBase64(), "7");
    service_ = std::make_unique<AgentService>(loop_.home(), jobs_, host_, orders_);
    server_.Register(*service_);
    EXPECT_TRUE(server_.Start(folder_ / "agent.sock").ok());
    stub_ = v1::AgentService::NewStub(rpc::Dial(folder_ / "agent.sock"));
    EXPECT_TRUE(loop_.Run(jobs_->Recover()).ok());
  }

  ~AgentServiceTest() override {
    jobs_->Stop();
    server_.Shutdown();
    loop_.Finish();
  }

  // From the home thread, as uplink calls.
  template <class Req, class Res>
  absl::StatusOr<Res> Ask(rpc::UnaryMethod<AsyncStub, Req, Res> method, Req request) {
    AsyncStub* stub = stub_->async();
    return loop_.Run(
        rpc::Call<AsyncStub, Req, Res>(stub, method, std::move(request), absl::Seconds(20)));
  }

  absl::Status Take(const std::string& order, const std::string& signature, const std::string& id) {
    v1::TakeOrderRequest request;
    request.set_order(order);
    request.set_signature(signature);
    request.set_reference(id);
    return Ask<v1::TakeOrderRequest, v1::TakeOrderResponse>(&AsyncStub::TakeOrder, request)
        .status();
  }

  std::string Order(const std::string& id,
                    const std::string& script,
                    const std::string& node = "7") {
    return backend_link::OrderText(
        "job.run", node, absl::InfiniteFuture(),
        {{"job", {{"id", id}, {"script", script}, {"timeoutSeconds", 30}}}});
  }

  absl::Status Start(const std::string& id, const std::string& script) {
    const std::string order = Order(id, script);
    return Take(order, identity::SignOrder(key_, order), id);
  }

  absl::StatusOr<v1::GetJobResponse> Get(const std::string& id) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    return Ask<v1::GetJobRequest, v1::GetJobResponse>(&AsyncStub::GetJob, request);
  }

  absl::StatusOr<v1::CancelJobResponse> Cancel(const std::string& id) {
    v1::CancelJobRequest request;
    request.set_job_id(id);
    return Ask<v1::CancelJobRequest, v1::CancelJobResponse>(&AsyncStub::CancelJob, request);
  }

  identity::IdentityKey key_ = *identity::IdentityKey::Generate();
  testing::TestLoop loop_;
  TempDir folder_;
  prometheus::Registry registry_;
  runtime::RealClock clock_;
  runtime::Log log_{"agent", runtime::LogLevel::kError};
  runtime::Health health_;
  testing::MemoryStore store_;
  testing::MemoryEvents events_{loop_.home()};
  std::shared_ptr<JobRunner> jobs_;
  std::shared_ptr<HostReporter> host_;
  std::shared_ptr<OrderDesk> orders_;
  std::unique_ptr<AgentService> service_;
  rpc::Server server_{loop_.home(), rpc::PeerPolicy()};
  std::unique_ptr<v1::AgentService::Stub> stub_;
};

TEST_F(AgentServiceTest, JobFromOrderToResult) {
  const auto started = Start("rpc-job", "echo hello; echo no >&2; exit 4");
  ASSERT_TRUE(started.ok()) << started;
  loop_.Run(events_.Nth("job.result", 1, "rpc-job"));
  const auto job = Get("rpc-job");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->result().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job->result().exit_code(), 4);
  EXPECT_EQ(job->result().stdout_tail(), "hello\n");
  EXPECT_EQ(job->result().stderr_tail(), "no\n");
  EXPECT_EQ(job->result().stdout_bytes(), 6u);
  EXPECT_GT(job->result().started_at().seconds(), 0);
  EXPECT_THAT(job->result().reason(), HasSubstr("exit code 4"));
  EXPECT_TRUE(Start("rpc-job", "touch /never").ok()) << "known, and not run again";
  EXPECT_EQ(Get("rpc-job")->result().state(), v1::JOB_STATE_FAILED);
}

TEST_F(AgentServiceTest, CodesSayWhatTheCallerCanDo) {
  EXPECT_TRUE(absl::IsNotFound(Get("nobody").status()));
  EXPECT_TRUE(absl::IsNotFound(Cancel("nobody").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Start("a/b", "true")));
  jobs_->SetRefusal("not here");
  const auto denied = Start("rpc-denied", "true");
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_THAT(std::string(denied.message()), HasSubstr("not here"));
}

TEST_F(AgentServiceTest, NobodysOrderRunsWithoutTheBackendsSignature) {
  const std::string witness = folder_ / "witness";
  const std::string order = Order("rpc-forged", "touch " + witness);
  const std::string signature = identity::SignOrder(key_, order);
  const auto stranger = *identity::IdentityKey::Generate();

  const struct {
    const char* what;
    std::string order, signature;
  } forgeries[] = {
      {"no signature", order, ""},
      {"no base64", order, "%%%"},
      {"too short", order, signature.substr(0, 20)},
      {"a stranger's", order, identity::SignOrder(stranger, order)},
      {"of the text without the prefix", order, identity::Base64Encode(key_.Sign(order))},
      {"of another order", Order("rpc-forged", "touch " + witness + "2"), signature},
      {"one blank more", order + " ", signature},
      {"nothing", "", signature},
      {"another node's", Order("rpc-forged", "true", "8"),
       identity::SignOrder(key_, Order("rpc-forged", "true", "8"))},
  };

  for (const auto& [what, text, with] : forgeries) {
    EXPECT_TRUE(absl::IsPermissionDenied(Take(text, with, "rpc-forged"))) << what;
  }
  orders_->Configure("", "7");
  EXPECT_THAT(std::string(Take(order, signature, "rpc-unpinned").message()),
              HasSubstr("agent.command_key"));
  EXPECT_EQ(Get("rpc-forged")->result().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(events_.Count("job.result", "rpc-forged"), 1u);
  EXPECT_FALSE(std::filesystem::exists(witness));
}

TEST_F(AgentServiceTest, AnOrderThatCameTooLateIsNotCarriedOut) {
  const std::string order =
      backend_link::OrderText("job.run", "7", absl::Now() - absl::Minutes(6),
                              {{"job", {{"id", "rpc-late"}, {"script", "true"}}}});
  const auto status = Take(order, identity::SignOrder(key_, order), "rpc-late");
  EXPECT_THAT(std::string(status.message()), HasSubstr("expired"));
  EXPECT_EQ(Get("rpc-late")->result().state(), v1::JOB_STATE_FAILED);
}

TEST_F(AgentServiceTest, ASignedOrderCancels) {
  testing::NamedPipe pipe(loop_.home(), folder_ / "pipe");
  ASSERT_TRUE(Start("rpc-stop", "echo on > " + pipe.path() + "; sleep 1000").ok());
  loop_.Run(pipe.Line());
  const std::string order =
      backend_link::OrderText("job.cancel", "7", absl::InfiniteFuture(), {{"jobId", "rpc-stop"}});
  ASSERT_TRUE(Take(order, identity::SignOrder(key_, order), "").ok());
  EXPECT_EQ(loop_.Run(events_.Nth("job.result", 1, "rpc-stop")).at("status"), "cancelled");
}

TEST_F(AgentServiceTest, CancelAnswersWithTheJob) {
  testing::NamedPipe pipe(loop_.home(), folder_ / "pipe");
  ASSERT_TRUE(Start("rpc-cancel", "echo on > " + pipe.path() + "; sleep 1000").ok());
  loop_.Run(pipe.Line());
  const auto cancelled = Cancel("rpc-cancel");
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->result().id(), "rpc-cancel");
  loop_.Run(events_.Nth("job.result", 1, "rpc-cancel"));
  EXPECT_EQ(Get("rpc-cancel")->result().state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(AgentServiceTest, HostAsJson) {
  const auto inventory = Ask<v1::GetInventoryRequest, v1::GetInventoryResponse>(
      &AsyncStub::GetInventory, v1::GetInventoryRequest());
  ASSERT_TRUE(inventory.ok()) << inventory.status();
  EXPECT_THAT(inventory->inventory_json(), HasSubstr("Raspberry Pi 4 Model B"));
  const auto metrics = Ask<v1::GetMetricsRequest, v1::GetMetricsResponse>(&AsyncStub::GetMetrics,
                                                                          v1::GetMetricsRequest());
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_THAT(metrics->metrics_json(), HasSubstr("\"diskPercent\":5E1"));
}

}  // namespace
}  // namespace tentacle::agent
