// Jobs in the service's RocksDB: "job/<id>" holds the record, "output/<id>/stdout" and ".../stderr"
// what an ended job wrote. Home thread; the disk is touched on the blocking pool.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/identity/sealer.h"
#include "libs/store/store.h"
#include "services/agent/core/job_record.h"

namespace tentacle::agent {

class JobStore {
 public:
  // Both must outlive it. A record may hold a job's secrets: it is sealed under the key in
  // `key_file`, which Load() makes when it is not there.
  JobStore(store::Store& store, boost::asio::thread_pool& blocking, std::string key_file)
      : store_(store), blocking_(blocking), key_file_(std::move(key_file)) {}

  struct Loaded {
    std::vector<JobRecord> jobs;  // In order of acceptance.
    int unreadable = 0;           // Records that were nonsense; they have been deleted.
  };

  // Before everything else.
  boost::asio::awaitable<absl::StatusOr<Loaded>> Load();

  // Returns when it survives a power cut.
  boost::asio::awaitable<absl::Status> Put(JobRecord record);
  boost::asio::awaitable<absl::Status> PutWithOutputs(JobRecord record, JobOutputs outputs);
  // Survives a kill, not a power cut: for what is only repeated when it is lost.
  boost::asio::awaitable<absl::Status> PutLater(JobRecord record);

  // Empty texts for a job whose output was forgotten.
  boost::asio::awaitable<absl::StatusOr<JobOutputs>> Outputs(std::string id);
  boost::asio::awaitable<absl::Status> ForgetOutputs(std::vector<std::string> ids);
  boost::asio::awaitable<absl::Status> Forget(std::vector<std::string> ids);

 private:
  store::Write RecordWrite(const JobRecord& record) const;
  boost::asio::awaitable<absl::Status> Apply(std::vector<store::Write> writes, bool sync);

  store::Store& store_;
  boost::asio::thread_pool& blocking_;
  const std::string key_file_;
  std::optional<identity::Sealer> sealer_;
};

}  // namespace tentacle::agent
