#include "cli/commands.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "cli/boots.h"
#include "cli/cache.h"
#include "cli/check_config.h"
#include "cli/discovery_verbs.h"
#include "cli/enroll.h"
#include "cli/pins.h"
#include "cli/probe.h"
#include "cli/release.h"
#include "cli/status.h"
#include "cli/supervise.h"
#include "cli/update_guard.h"
#include "libs/runtime/build_info.h"
#include "libs/runtime/service_main.h"
#include "services/agent/agent.h"
#include "services/cache/cache.h"
#include "services/discovery/discovery.h"
#include "services/pxe/pxe.h"
#include "services/uplink/uplink.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;

using Arguments = std::vector<std::string>;

// The service that holds the link joins the backend first when it has been given a token and has no
// key yet.
int RunUplink(const Arguments& args) {
  if (const int code = EnrollFromEnvironment(DefaultPaths()); code != 0) return code;
  return runtime::ServiceMain(args, uplink::kService);
}

template <const runtime::ServiceSpec& spec>
int RunService(const Arguments& args) {
  return runtime::ServiceMain(args, spec);
}

// The service takes options only; a word after it is a verb for the operator.
int RunCache(const Arguments& args) {
  if (!args.empty() && !args.front().starts_with("-")) return Cache(args);
  return runtime::ServiceMain(args, cache::kService);
}

int PrintVersion(const Arguments&) {
  std::cout << fmt::format("octofleet-tentacle {} ({})\n", runtime::Version(),
                           runtime::Architecture());
  return 0;
}

struct Command {
  std::string_view name;
  std::string_view about;
  int (*run)(const Arguments& args);
};

constexpr Command kCommands[] = {
    {"uplink", "Hold the connection to the backend", &RunUplink},
    {"pxe", "Answer machines that boot", &RunService<pxe::kService>},
    {"cache", "Keep images near; with ls, pull, pin, ...: look after them", &RunCache},
    {"discovery", "Know who is on this segment", &RunService<discovery::kService>},
    {"agent", "The host, as a managed node", &RunService<agent::kService>},
    {"all", "Run the five services under one supervisor", &Supervise},
    {"enroll", "Join a backend with a token", &Enroll},
    {"status", "One screen about everything", &Status},
    {"boots", "What machines went through when they booted", &Boots},
    {"scan", "Ask every address of the segment who is there", &Scan},
    {"devices", "Who is on the segment", &Devices},
    {"wake", "Wake a machine of the segment", &Wake},
    {"topology", "The segment as a graph", &PrintTopology},
    {"check-config", "Read config.yaml and say what is wrong", &CheckConfig},
    {"pins", "Which keys of the backend are accepted; --reset: any", &Pins},
    {"probe", "Ask one service for its health", &Probe},
    {"release", "Make, sign and check releases of the tentacle itself", &Release},
    {"update-guard", "Stand beside a new release; systemd runs it", &UpdateGuard},
    {"version", "Print the version", &PrintVersion},
};

int PrintHelp(std::ostream& out, int code) {
  out << "Usage: octofleet-tentacle COMMAND [OPTIONS]\n\n";
  for (const Command& command : kCommands)
    out << fmt::format("  {:<14}{}\n", command.name, command.about);
  out << "\nCOMMAND --help tells more of each.\n";
  return code;
}

}  // namespace

const std::vector<const runtime::ServiceSpec*>& Services() {
  static const std::vector<const runtime::ServiceSpec*> services = {
      &cache::kService, &pxe::kService, &discovery::kService, &agent::kService, &uplink::kService};
  return services;
}

runtime::Paths DefaultPaths() {
  const auto value = [](const char* name, const char* fallback) {
    const char* set = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread.
    return std::string(set == nullptr ? fallback : set);
  };
  return {value("TENTACLE_STATE_DIR", "/var/lib/octofleet-tentacle"),
          value("TENTACLE_RUN_DIR", "/run/octofleet-tentacle")};
}

int Main(const std::vector<std::string>& args) {
  if (args.size() < 2) return PrintHelp(std::cerr, kExitUsage);
  const std::string& name = args[1];
  if (name == "--help" || name == "-h" || name == "help") return PrintHelp(std::cout, 0);
  for (const Command& command : kCommands) {
    if (command.name == name) return command.run(Arguments(args.begin() + 2, args.end()));
  }
  std::cerr << fmt::format("octofleet-tentacle: no command \"{}\"\n\n", name);
  return PrintHelp(std::cerr, kExitUsage);
}

}  // namespace tentacle::cli
