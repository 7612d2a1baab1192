// gRPC adapter: UplinkService, for `octofleet-tentacle status`.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "services/uplink/desired_store.h"
#include "services/uplink/peers.h"
#include "services/uplink/websocket_link.h"

namespace grpc {
class Service;
}

namespace tentacle::uplink {

// All must outlive the service.
std::shared_ptr<grpc::Service> MakeUplinkService(boost::asio::any_io_executor home,
                                                 const WebSocketLink& link,
                                                 const DesiredStore& desired,
                                                 const Peers& peers,
                                                 const runtime::ConfigFeed& config);

}  // namespace tentacle::uplink
