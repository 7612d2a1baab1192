#include "cli/update_guard.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>

#include <absl/time/clock.h>

#include "cli/commands.h"
#include "libs/runtime/log.h"
#include "libs/text/view.h"
#include "services/agent/update_guard.h"

extern char** environ;

namespace tentacle::cli {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;

absl::Status Systemctl(std::string unit) {
  std::string words[] = {"systemctl", "--no-block", "--no-ask-password",
                         "restart",   "--",         std::move(unit)};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                  words[4].data(), words[5].data(), nullptr};
  pid_t pid = 0;
  if (const int error = ::posix_spawn(&pid, "/usr/bin/systemctl", nullptr, nullptr, argv, environ);
      error != 0) {
    return absl::ErrnoToStatus(error, "systemctl");
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("systemctl ended with {}", status));
}

int Say(const runtime::Log& log, const absl::StatusOr<agent::GuardReport>& report) {
  if (!report.ok()) {
    log.Error("guard.failed", {{"reason", text::Message(report.status())}});
    return kExitFailed;
  }
  log.Info(
      "guard.looked",
      {{"step", agent::Name(report->step)}, {"slot", report->slot}, {"reason", report->reason}});
  return 0;
}

}  // namespace

int UpdateGuard(const std::vector<std::string>& args) {
  std::string unit = "octofleet-tentacle.service";
  CLI::App app{"Stand beside a new release until it has proved itself; systemd runs it"};
  app.name("octofleet-tentacle update-guard");
  app.require_subcommand(1);
  auto* start = app.add_subcommand("start", "Before each start: which release is started");
  auto* watch = app.add_subcommand(
      "watch", "Bring the old release back when the new one is not healthy in time");
  watch->add_option("--unit", unit, "The unit of the services")->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  const runtime::Log log("guard", runtime::LogLevel::kInfo);
  const agent::ReleaseFolder folder(DefaultPaths().state_dir + "/releases");
  if (start->parsed()) return Say(log, agent::GuardStart(folder, absl::Now()));
  const agent::GuardWatch outside{
      .now = &absl::Now,
      .wait = [&folder](absl::Duration at_most) { agent::WaitForChange(folder, at_most); },
      .restart =
          [&log, &unit] {
            log.Warning("guard.brings_back", {{"unit", unit}});
            return Systemctl(unit);
          }};
  return Say(log, agent::WatchProbation(folder, outside));
}

}  // namespace tentacle::cli
