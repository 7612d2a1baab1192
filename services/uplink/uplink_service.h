// gRPC adapter: UplinkService, for the operator's verbs.
#pragma once

#include <functional>
#include <memory>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "services/uplink/desired_store.h"
#include "services/uplink/peers.h"
#include "services/uplink/websocket_link.h"

namespace grpc {
class Service;
}

namespace tentacle::uplink {

// All must outlive the service.
std::shared_ptr<grpc::Service> MakeUplinkService(
    boost::asio::any_io_executor home,
    const WebSocketLink& link,
    const DesiredStore& desired,
    const Peers& peers,
    const runtime::ConfigFeed& config,
    std::function<boost::asio::awaitable<absl::Status>()> forget_pins);

}  // namespace tentacle::uplink
