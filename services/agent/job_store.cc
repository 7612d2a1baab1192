#include "services/agent/job_store.h"

#include <algorithm>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/identity/key_file.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

std::string RecordKey(std::string_view id) {
  return "job/" + std::string(id);
}

std::string StdoutKey(std::string_view id) {
  return "output/" + std::string(id) + "/stdout";
}

std::string StderrKey(std::string_view id) {
  return "output/" + std::string(id) + "/stderr";
}

absl::StatusOr<JobRecord> OpenRecord(const identity::Sealer& sealer,
                                     std::string_view key,
                                     std::string_view value) {
  // Of an older version.
  if (!identity::Sealer::IsSealed(value)) return DecodeJob(value);
  const auto plain = sealer.Open(value, key);
  return plain.ok() ? DecodeJob(*plain) : plain.status();
}

absl::StatusOr<JobStore::Loaded> LoadFrom(store::Store& store, const identity::Sealer& sealer) {
  JobStore::Loaded loaded;
  std::vector<store::Write> nonsense;
  const auto take = [&](std::string_view key, std::string_view value) {
    auto job = OpenRecord(sealer, key, value);
    if (job.ok() && RecordKey(job->request.id) == key) {
      loaded.jobs.push_back(*std::move(job));
    } else {
      nonsense.push_back({std::string(key), std::nullopt});
    }
    return true;
  };
  // '0' follows '/': the range is every key that begins with "job/".
  if (const auto status = store.Scan("job/", "job0", take); !status.ok()) return status;
  if (!nonsense.empty()) {
    if (const auto status = store.Apply(nonsense); !status.ok()) return status;
  }
  loaded.unreadable = static_cast<int>(nonsense.size());
  std::sort(loaded.jobs.begin(), loaded.jobs.end(),
            [](const JobRecord& a, const JobRecord& b) { return a.sequence < b.sequence; });
  return loaded;
}

absl::StatusOr<JobOutputs> OutputsFrom(store::Store& store, const std::string& id) {
  auto out = store.Get(StdoutKey(id));
  if (!out.ok()) return out.status();
  auto err = store.Get(StderrKey(id));
  if (!err.ok()) return err.status();
  return JobOutputs{std::move(*out).value_or(""), std::move(*err).value_or("")};
}

}  // namespace

asio::awaitable<absl::StatusOr<JobStore::Loaded>> JobStore::Load() {
  auto load = [this]() -> absl::StatusOr<Loaded> {
    const auto key = identity::LoadOrMakeKey(key_file_);
    if (!key.ok()) return key.status();
    sealer_.emplace(*key, "jobs at rest");
    return LoadFrom(store_, *sealer_);
  };
  co_return co_await async::OnPool(blocking_, load);
}

store::Write JobStore::RecordWrite(const JobRecord& record) const {
  std::string key = RecordKey(record.request.id);
  std::string sealed = sealer_.value().Seal(EncodeJob(record), key);
  return {std::move(key), std::move(sealed)};
}

asio::awaitable<absl::Status> JobStore::Apply(std::vector<store::Write> writes, bool sync) {
  auto apply = [&store = store_, writes = std::move(writes), sync] {
    return store.Apply(writes, sync);
  };
  co_return co_await async::OnPool(blocking_, std::move(apply));
}

asio::awaitable<absl::Status> JobStore::Put(JobRecord record) {
  std::vector<store::Write> writes = {RecordWrite(record)};
  co_return co_await Apply(std::move(writes), true);
}

asio::awaitable<absl::Status> JobStore::PutWithOutputs(JobRecord record, JobOutputs outputs) {
  const auto& id = record.request.id;
  std::vector<store::Write> writes = {RecordWrite(record),
                                      {StdoutKey(id), std::move(outputs.stdout_tail)},
                                      {StderrKey(id), std::move(outputs.stderr_tail)}};
  co_return co_await Apply(std::move(writes), true);
}

asio::awaitable<absl::Status> JobStore::PutLater(JobRecord record) {
  std::vector<store::Write> writes = {RecordWrite(record)};
  co_return co_await Apply(std::move(writes), false);
}

asio::awaitable<absl::StatusOr<JobOutputs>> JobStore::Outputs(std::string id) {
  auto read = [&store = store_, id = std::move(id)] { return OutputsFrom(store, id); };
  co_return co_await async::OnPool(blocking_, std::move(read));
}

asio::awaitable<absl::Status> JobStore::ForgetOutputs(std::vector<std::string> ids) {
  std::vector<store::Write> writes;
  for (const auto& id : ids) {
    writes.push_back({StdoutKey(id), std::nullopt});
    writes.push_back({StderrKey(id), std::nullopt});
  }
  co_return co_await Apply(std::move(writes), false);
}

asio::awaitable<absl::Status> JobStore::Forget(std::vector<std::string> ids) {
  std::vector<store::Write> writes;
  for (const auto& id : ids) {
    writes.push_back({RecordKey(id), std::nullopt});
    writes.push_back({StdoutKey(id), std::nullopt});
    writes.push_back({StderrKey(id), std::nullopt});
  }
  co_return co_await Apply(std::move(writes), false);
}

}  // namespace tentacle::agent
