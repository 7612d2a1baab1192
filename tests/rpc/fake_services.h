// The four services that uplink dials, each on a socket of its own with a real event log; they
// remember what they were told.
#pragma once

#include <tentacle/agent/v1/agent_service.grpc.pb.h>
#include <tentacle/cache/v1/cache_service.grpc.pb.h>
#include <tentacle/config/v1/config_service.grpc.pb.h>
#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>
#include <tentacle/pxe/v1/pxe_service.grpc.pb.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/events/event_service.h"
#include "libs/rpc/serve.h"
#include "libs/store/store.h"
#include "tests/rpc/loop.h"

namespace tentacle::testing {

// What all fakes were told. Outlives them, so that a restarted one keeps the account.
struct Told {
  std::vector<pxe::v1::ReplaceBootTasksRequest> tables;
  std::vector<agent::v1::TakeOrderRequest> jobs;
  std::vector<std::string> scans;
  std::vector<std::string> wakes;  // "<command id> <mac>"
  std::vector<std::string> pulls;
  std::map<std::string, std::pair<std::uint64_t, std::string>> configs;  // By service.
  std::map<std::string, int> config_pushes;  // By service, repeated ones too.
  // What the fakes answer.
  std::string refuse_task;         // pxe refuses the task of this id.
  std::uint64_t pxe_revision = 0;  // A revision that pxe has from an earlier life.
  absl::Status job_answer;
  cache::v1::ImageState image_state = cache::v1::IMAGE_STATE_CACHED;
};

// Takes what is newer, as every ConfigService does.
std::unique_ptr<grpc::Service> MakeFakeConfig(boost::asio::any_io_executor home,
                                              const std::string& name,
                                              Told& told);

class FakeService {
 public:
  FakeService(Loop& loop,
              boost::asio::thread_pool& blocking,
              const std::string& name,
              const std::filesystem::path& folder,
              Told& told);
  ~FakeService();

  // Appends an event and returns its sequence.
  std::uint64_t Append(const std::string& type,
                       const std::string& body_json,
                       events::Priority lane = event::v1::PRIORITY_RESULT);

  events::EventLog& log() { return *log_; }

  // Of the lane of results.
  std::string epoch() const { return log_->View(event::v1::PRIORITY_RESULT).epoch; }

  std::uint64_t confirmed() const { return log_->View(event::v1::PRIORITY_RESULT).confirmed; }

 private:
  Loop& loop_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<events::EventLog> log_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace tentacle::testing
