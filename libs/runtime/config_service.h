// gRPC adapter: ConfigService over the process's configuration.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "libs/runtime/config_feed.h"

namespace grpc {
class Service;
}

namespace tentacle::runtime {

// `feed` must outlive the service.
std::unique_ptr<grpc::Service> MakeConfigService(boost::asio::any_io_executor home,
                                                 StoredConfigFeed& feed);

}  // namespace tentacle::runtime
