// What is left to do when the backend has removed this tentacle: nothing that is secret stays here.
#pragma once

#include <functional>

#include <boost/asio/awaitable.hpp>

#include "libs/runtime/host.h"
#include "services/uplink/core/service.h"
#include "services/uplink/desired_store.h"

namespace tentacle::uplink {

// Empties the table of tasks (pxe deletes its files with it), drops what waits, and deletes the
// identity key. The images and the events stay: they hold no secret. `notify` has a service pushed
// to.
boost::asio::awaitable<void> WipeSecrets(runtime::Host& host,
                                         DesiredStore& desired,
                                         std::function<void(Service)> notify);

}  // namespace tentacle::uplink
