// gRPC adapter: EventService over an EventLog. Every process registers one.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "libs/events/event_log.h"

namespace grpc {
class Service;
}

namespace tentacle::events {

// `log` must outlive the service.
std::unique_ptr<grpc::Service> MakeEventService(boost::asio::any_io_executor home, EventLog& log);

}  // namespace tentacle::events
