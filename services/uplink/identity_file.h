// Who this tentacle is, read anew each time: `enroll` writes key and config.yaml while uplink
// waits.
#pragma once

#include <tentacle/config/v1/config.pb.h>

#include <string>

#include <absl/status/statusor.h>

#include "libs/runtime/host.h"
#include "services/uplink/websocket_link.h"

namespace tentacle::uplink {

// Blocking. FailedPrecondition with the sentence how to enroll, or what is wrong with the key.
absl::StatusOr<LinkIdentity> ReadIdentity(const runtime::Paths& paths,
                                          const config::v1::TentacleConfig& current);

// "<boot>.<process>": made anew with each start of the kernel and of this process, unlike
// everything that a copy of the disk takes along.
std::string InstanceName();

}  // namespace tentacle::uplink
