// The updater with what it needs of a real host: where it runs, systemctl, who is ready.
#pragma once

#include <memory>

#include "libs/runtime/host.h"
#include "services/agent/updater.h"

namespace tentacle::agent {

std::shared_ptr<Updater> MakeHostUpdater(runtime::Host& host, std::shared_ptr<Metrics> metrics);

Updater::Settings UpdateSettings(const config::v1::TentacleConfig& config);

}  // namespace tentacle::agent
