#include "services/agent/agent.h"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <cstdlib>
#include <map>
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
#include "services/agent/host_exporter.h"
#include "services/agent/host_reporter.h"
#include "services/agent/job_runner.h"
#include "services/agent/journal_reader.h"
#include "services/agent/limits.h"
#include "services/agent/live_desk.h"
#include "services/agent/live_service.h"
#include "services/agent/live_watch.h"
#include "services/agent/metrics.h"
#include "services/agent/order_desk.h"
#include "services/agent/shell_desk.h"
#include "services/agent/unit_watcher.h"
#include "services/agent/update_host.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr char kSwitchedOff[] =
    "the agent is switched off in this tentacle's configuration (agent.enabled)";
// Where a user who is not root finds the folder of a job of his.
constexpr char kUserJobsFolder[] = "/var/tmp/octofleet-tentacle-jobs";
// A line of the journal is of interest within seconds; a look costs a process.
constexpr absl::Duration kJournalInterval = absl::Seconds(15);
constexpr char kNoJobs[] =
    "jobs are not allowed by this tentacle's configuration (agent.jobs_enabled)";

// Nothing else of our own environment reaches a job: TENTACLE_TOKEN and its like are in there.
std::map<std::string, std::string> JobEnvironment() {
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
  std::map<std::string, std::string> environment;
  for (const auto& [name, otherwise] : kPassed) {
    const char* own = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it.
    const std::string value = own != nullptr ? own : otherwise;
    if (!value.empty()) environment[name] = value;
  }
  return environment;
}

JobRunner::Settings JobSettings(const runtime::Paths& paths, const HostSpacePtr& space) {
  JobRunner::Settings settings;
  settings.host = space;
  settings.folders = {paths.ServiceDir("agent") + "/jobs", space->Here(kUserJobsFolder)};
  // What we have is not to be seen from the host.
  if (space->is_around()) settings.folders.own = settings.folders.users;
  settings.key_file = paths.ServiceDir("agent") + "/jobs.key";
  settings.cgroups = FindCgroups(space->Here("/sys/fs/cgroup"), !space->is_around());
  settings.environment = JobEnvironment();

  struct sysinfo memory {};

  if (::sysinfo(&memory) == 0) {
    settings.memory_bytes = memory.totalram * memory.mem_unit / limits::kJobMemoryShare;
  }
  return settings;
}

absl::StatusOr<HostSpacePtr> FindHost(const config::v1::TentacleConfig& config) {
  const std::string& root = config.agent().host_root();
  if (root == "/") return std::make_shared<const HostSpace>();
  auto space = HostSpace::Around(root);
  if (!space.ok()) return space.status();
  return std::make_shared<const HostSpace>(*std::move(space));
}

void Configure(const config::v1::TentacleConfig& config,
               const HostSpacePtr& space,
               OrderDesk& orders,
               JobRunner& jobs,
               ShellDesk& shells,
               HostReporter& host,
               JournalReader& journal,
               UnitWatcher& units,
               Updater& updater,
               runtime::Health& health) {
  const auto& agent = config.agent();
  const std::string refusal = !agent.enabled()        ? kSwitchedOff
                              : !agent.jobs_enabled() ? kNoJobs
                                                      : "";
  orders.Configure(agent.command_key(), config.node().id());
  jobs.SetRefusal(refusal);
  health.Set("jobs", true, refusal);
  shells.Configure({agent.enabled() && agent.shell_enabled(),
                    {agent.shell_users().begin(), agent.shell_users().end()}});
  HostReporter::Settings settings;
  settings.enabled = agent.enabled();
  settings.metrics_interval = absl::Seconds(agent.metrics_interval_s());
  settings.inventory_interval = absl::Minutes(agent.inventory_interval_min());
  settings.recipient = fmt::format("{} {}", config.backend().url(), config.node().id());
  host.Configure(std::move(settings));
  JournalReader::Settings reading;
  reading.enabled = agent.enabled() && agent.journal_enabled();
  reading.filter = {{agent.journal_units().begin(), agent.journal_units().end()},
                    {agent.journal_matches().begin(), agent.journal_matches().end()},
                    agent.journal_priority()};
  reading.entries_per_minute = agent.journal_entries_per_minute();
  reading.interval = kJournalInterval;
  reading.host = space;
  journal.Configure(std::move(reading));
  UnitWatcher::Settings watched;
  watched.host = space;
  if (agent.enabled()) watched.units = {agent.watched_units().begin(), agent.watched_units().end()};
  units.Configure(std::move(watched));
  updater.Configure(UpdateSettings(config));
}

}  // namespace

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.agent().admin_listen();
}

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  // A cancelled wait is an ordinary result here: what runs still has to be stopped.
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto metrics = std::make_shared<Metrics>(host.registry);
  const auto found = FindHost(host.config.current());
  if (!found.ok()) co_return found.status();
  const HostSpacePtr space = *found;
  if (space->is_around()) host.log.Info("agent.host_around", {{"root", space->root()}});

  // backend -> uplink -> jobs -> events
  auto settings = JobSettings(host.paths, space);
  const CgroupPlaces cgroups = settings.cgroups;
  const bool fenced = cgroups.complete();
  host.health.Set("job_ceilings", true,
                  fenced ? "" : "no control groups can be made here: jobs run without ceilings");
  const auto jobs =
      std::make_shared<JobRunner>(host.home, host.blocking, host.clock, host.log, metrics,
                                  host.store, host.events, std::move(settings));
  const auto orders = std::make_shared<OrderDesk>(host.clock, host.log, metrics, jobs);

  // host -> collectors -> events
  const auto reporter =
      std::make_shared<HostReporter>(host.home, host.blocking, host.clock, host.log, metrics,
                                     host.health, host.store, host.events, RealSources(space));

  // journal -> events
  const auto journal =
      std::make_shared<JournalReader>(host.home, host.blocking, host.clock, host.log, metrics,
                                      host.health, host.store, host.events);

  // units -> events
  const auto units = std::make_shared<UnitWatcher>(host.home, host.blocking, host.clock, host.log,
                                                   host.health, host.events);

  // host -> /metrics
  const auto exporter = std::make_shared<HostExporter>(host.registry, RealSources(space));
  if (host.before_scrape != nullptr)
    host.before_scrape->push_back([exporter] { exporter->Refresh(); });

  const auto snapshot = [reporter](backend_link::Order) -> asio::awaitable<absl::Status> {
    reporter->SendSnapshot();
    co_return absl::OkStatus();
  };
  orders->Add("inventory.request", snapshot);

  // backend -> uplink -> releases -> systemd, events
  const auto updater = MakeHostUpdater(host, metrics);
  orders->Add("update.start",
              [updater](backend_link::Order order) { return updater->Take(std::move(order)); });

  // backend -> uplink -> live channel -> shells -> events
  const auto live = std::make_shared<LiveDesk>(host.home, metrics);
  if (host.before_stop != nullptr) host.before_stop->push_back([live] { live->Stop(); });
  const auto shells = std::make_shared<ShellDesk>(
      ShellSession::Parts{host.home,
                          host.blocking,
                          host.clock,
                          *live,
                          host.events,
                          {},
                          space,
                          [space](const std::string& name) { return space->FindUser(name); }},
      host.store, *orders, metrics, host.log);
  shells->Start();
  const auto watch = std::make_shared<LiveWatch>(host.home, *live, jobs, reporter);
  watch->Start();
  const auto live_service = std::make_shared<LiveService>(host.home, live);
  host.rpc.Register(*live_service);

  const auto service = std::make_shared<AgentService>(host.home, jobs, reporter, orders);
  host.rpc.Register(*service);

  // configuration -> both
  host.health.Set("job_store", false, "the jobs are being read");
  host.health.Set("collectors", true, "not run yet");
  Configure(host.config.current(), space, *orders, *jobs, *shells, *reporter, *journal, *units,
            *updater, host.health);
  // The feed lives as long as the process and with it the adapter: calls still arrive until the
  // socket is closed, which is after the end of this function.
  host.config.OnChange([orders, jobs, shells, live, live_service, watch, reporter, journal, units,
                        updater, service, space, &health = host.health](const auto& config) {
    Configure(config, space, *orders, *jobs, *shells, *reporter, *journal, *units, *updater,
              health);
  });

  if (auto status = co_await jobs->Recover(); !status.ok()) co_return status;
  host.health.Set("job_store", true);
  reporter->Start();
  journal->Start();
  units->Start();
  updater->Start();

  asio::steady_timer until_stopped(host.home, asio::steady_timer::time_point::max());
  co_await until_stopped.async_wait(asio::as_tuple(asio::use_awaitable));
  reporter->Stop();
  journal->Stop();
  units->Stop();
  updater->Stop();
  shells->Stop();
  watch->Stop();
  live->Stop();
  jobs->Stop();
  RemoveCgroupParents(cgroups);
  co_return absl::OkStatus();
}

}  // namespace tentacle::agent
