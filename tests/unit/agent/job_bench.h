// An agent's job runner with everything it is lent, for tests that run real scripts.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/agent/job_runner.h"
#include "tests/unit/agent/agent_bench.h"

namespace tentacle::agent::testing {

inline std::string Text(const boost::json::object& object, const char* key) {
  const auto& text = object.at(key).as_string();
  return {text.data(), text.size()};
}

inline std::int64_t Number(const boost::json::object& object, const char* key) {
  return object.at(key).to_number<std::int64_t>();
}

// A job as an order has it; the fields of `more` are added.
inline JobRequest ParsedJob(const std::string& id, boost::json::object more) {
  more["id"] = id;
  auto job = backend_link::ParseJob(more);
  EXPECT_TRUE(job.ok()) << job.status();
  return *std::move(job);
}

inline JobRequest ScriptJob(const std::string& id,
                            const std::string& script,
                            absl::Duration timeout = absl::Seconds(60),
                            const std::string& interpreter = "/bin/sh") {
  return ParsedJob(id, {{"script", script},
                        {"interpreter", interpreter},
                        {"timeoutSeconds", absl::ToInt64Seconds(timeout)}});
}

// One life of an agent.
struct Life {
  Life(TestLoop& its_loop,
       const TempDir& folder,
       std::map<std::string, std::string, std::less<>> content = {},
       CgroupPlaces cgroups = {},
       const HostSpacePtr& host = std::make_shared<const HostSpace>())
      : loop(its_loop), store(std::move(content)), events(loop.home()) {
    JobRunner::Settings settings;
    settings.host = host;
    settings.key_file = folder / "jobs.key";
    settings.folders = {folder / "jobs", host->Here(folder / "user-jobs")};
    if (host->is_around()) settings.folders.own = settings.folders.users;
    settings.cgroups = std::move(cgroups);
    settings.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
    settings.term_grace = absl::Milliseconds(200);
    settings.drain_grace = absl::Milliseconds(200);
    settings.retry_delay = absl::Milliseconds(1);
    runner = std::make_shared<JobRunner>(
        loop.home(), loop.pool(), clock, runtime::Log("agent", runtime::LogLevel::kError),
        std::make_shared<Metrics>(registry), store, events, settings);
  }

  ~Life() {
    runner->Stop();
    loop.Finish();
  }

  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  TestLoop& loop;
  runtime::RealClock clock;
  prometheus::Registry registry;
  MemoryStore store;
  MemoryEvents events;
  std::shared_ptr<JobRunner> runner;
};

class JobRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override { Recover(life_); }

  void Recover(Life& life) {
    const auto status = loop_.Run(life.runner->Recover());
    ASSERT_TRUE(status.ok()) << status;
  }

  // Ids are unique on this host: leftovers are looked for by them.
  static std::string Id(const std::string& name) { return fmt::format("{}-{}", name, ::getpid()); }

  absl::StatusOr<JobRecord> Start(const std::string& name,
                                  const std::string& script,
                                  absl::Duration timeout = absl::Seconds(60)) {
    return loop_.Run(life_.runner->StartJob(ScriptJob(Id(name), script, timeout)));
  }

  // Of any kind, with these fields.
  absl::StatusOr<JobRecord> Order(const std::string& name, boost::json::object fields) {
    return loop_.Run(life_.runner->StartJob(ParsedJob(Id(name), std::move(fields))));
  }

  boost::json::object Result(const std::string& name) {
    return loop_.Run(life_.events.Nth("job.result", 1, Id(name)));
  }

  JobRunner::Known Known(const std::string& name) {
    return loop_.Run(life_.runner->GetJob(Id(name))).value();
  }

  std::unique_ptr<NamedPipe> MakePipe(const std::string& name) {
    return std::make_unique<NamedPipe>(loop_.home(), folder_ / name);
  }

  TestLoop loop_;
  TempDir folder_;
  Life life_{loop_, folder_};
};

}  // namespace tentacle::agent::testing
