#include "services/uplink/identity_file.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "libs/config/config.h"
#include "libs/net/clock_floor.h"
#include "libs/text/view.h"

namespace tentacle::uplink {

namespace {

constexpr char kHowToEnroll[] =
    "not enrolled: run \"octofleet-tentacle enroll --backend URL --token TOKEN --name NAME\"";

// The configuration in force was read at the start; an enrollment since then is only in the file.
config::v1::TentacleConfig Reread(const runtime::Paths& paths,
                                  const config::v1::TentacleConfig& current) {
  std::ifstream file(paths.ConfigFile());
  std::stringstream text;
  text << file.rdbuf();
  config::Layers layers;
  layers.yaml = text.str();
  layers.environment = config::ProcessEnvironment();
  auto loaded = config::Load(layers);
  return loaded.ok() ? *std::move(loaded) : current;
}

}  // namespace

std::string InstanceName() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  if (boot.empty()) boot = "unknown";
  return fmt::format("{}.{}", boot, identity::RandomHex(8));
}

absl::StatusOr<LinkIdentity> ReadIdentity(const runtime::Paths& paths,
                                          const config::v1::TentacleConfig& current) {
  auto key = identity::IdentityKey::Load(paths.KeyFile());
  if (absl::IsNotFound(key.status())) return absl::FailedPreconditionError(kHowToEnroll);
  if (!key.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("the identity key cannot be used: {}", text::Message(key.status())));
  }
  const bool complete = !current.node().id().empty() && !current.backend().url().empty();
  const auto config = complete ? current : Reread(paths, current);
  if (config.node().id().empty()) {
    return absl::FailedPreconditionError(fmt::format("node.id is missing; {}", kHowToEnroll));
  }
  if (config.backend().url().empty()) {
    return absl::FailedPreconditionError(fmt::format("backend.url is missing; {}", kHowToEnroll));
  }
  const auto& backend = config.backend();
  return LinkIdentity{.key = *std::move(key),
                      .node_id = config.node().id(),
                      .backend_url = backend.url(),
                      .tls = {.ca_file = backend.ca_file(),
                              .pins = {backend.pins().begin(), backend.pins().end()},
                              .clock_floor = net::ClockFloor(paths.state_dir)}};
}

}  // namespace tentacle::uplink
