#include "services/agent/agent.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/rpc/server.h"
#include "services/agent/agent_service.h"
#include "services/agent/collectors.h"
#include "services/agent/host_reporter.h"
#include "services/agent/job_runner.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr char kSwitchedOff[] =
    "the agent is switched off in this tentacle's configuration (agent.enabled)";
constexpr char kNoJobs[] =
    "jobs are not allowed by this tentacle's configuration (agent.jobs_enabled)";

// Nothing else of our own environment reaches a job: TENTACLE_TOKEN and its like are in there.
std::vector<std::string> JobEnvironment() {
  struct Passed {
    const char* name;
    const char* otherwise;  // "": then it is left out.
  };

  constexpr Passed kPassed[] = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/"},
      {"LANG", "C.UTF-8"},
      {"TZ", ""},
  };
  std::vector<std::string> environment;
  for (const auto& [name, otherwise] : kPassed) {
    const char* own = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it.
    const std::string value = own != nullptr ? own : otherwise;
    if (!value.empty()) environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

void Configure(const config::v1::TentacleConfig& config,
               JobRunner& jobs,
               HostReporter& host,
               runtime::Health& health) {
  const auto& agent = config.agent();
  const std::string refusal = !agent.enabled()        ? kSwitchedOff
                              : !agent.jobs_enabled() ? kNoJobs
                                                      : "";
  jobs.SetRefusal(refusal);
  health.Set("jobs", true, refusal);
  HostReporter::Settings settings;
  settings.enabled = agent.enabled();
  settings.metrics_interval = absl::Seconds(agent.metrics_interval_s());
  settings.inventory_interval = absl::Minutes(agent.inventory_interval_min());
  settings.recipient = fmt::format("{} {}", config.backend().url(), config.node().id());
  host.Configure(std::move(settings));
}

}  // namespace

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.agent().admin_listen();
}

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  // A cancelled wait is an ordinary result here: what runs still has to be stopped.
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto metrics = std::make_shared<Metrics>(host.registry);

  // backend -> uplink -> jobs -> events
  JobRunner::Settings settings;
  settings.jobs_dir = host.paths.ServiceDir("agent") + "/jobs";
  settings.environment = JobEnvironment();
  const auto jobs =
      std::make_shared<JobRunner>(host.home, host.blocking, host.clock, host.log, metrics,
                                  host.store, host.events, std::move(settings));

  // host -> collectors -> events
  const auto reporter =
      std::make_shared<HostReporter>(host.home, host.blocking, host.clock, host.log, metrics,
                                     host.health, host.store, host.events, RealSources());

  const auto service = std::make_shared<AgentService>(host.home, jobs, reporter);
  host.rpc.Register(*service);

  // configuration -> both
  host.health.Set("job_store", false, "the jobs are being read");
  host.health.Set("collectors", true, "not run yet");
  Configure(host.config.current(), *jobs, *reporter, host.health);
  // The feed lives as long as the process and with it the adapter: calls still arrive until the
  // socket is closed, which is after the end of this function.
  host.config.OnChange([jobs, reporter, service, &health = host.health](const auto& config) {
    Configure(config, *jobs, *reporter, health);
  });

  if (auto status = co_await jobs->Recover(); !status.ok()) co_return status;
  host.health.Set("job_store", true);
  reporter->Start();

  asio::steady_timer until_stopped(host.home, asio::steady_timer::time_point::max());
  co_await until_stopped.async_wait(asio::as_tuple(asio::use_awaitable));
  reporter->Stop();
  jobs->Stop();
  co_return absl::OkStatus();
}

}  // namespace tentacle::agent
