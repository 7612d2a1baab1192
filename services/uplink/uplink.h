// Wiring of uplink: be the tentacle's one voice to the backend.
#pragma once

#include "libs/runtime/host.h"

namespace tentacle::uplink {

boost::asio::awaitable<absl::Status> Run(runtime::Host& host);
std::string AdminListen(const config::v1::TentacleConfig& config);

constexpr runtime::ServiceSpec kService{.name = "uplink",
                                        .about = "Hold the connection to the backend",
                                        .run = &Run,
                                        .admin_listen = &AdminListen};

}  // namespace tentacle::uplink
