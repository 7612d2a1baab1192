// The host, as a managed node: wiring of the agent service.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/host.h"

namespace tentacle::agent {

boost::asio::awaitable<absl::Status> Run(runtime::Host& host);
std::string AdminListen(const config::v1::TentacleConfig& config);

constexpr runtime::ServiceSpec kService{
    .name = "agent",
    .about = "The host, as a managed node",
    .run = &Run,
    .admin_listen = &AdminListen,
};

}  // namespace tentacle::agent
