// gRPC adapter: CacheService over the library.
#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "services/cache/image_library.h"
#include "services/cache/planning.h"
#include "services/cache/scrubber.h"

namespace grpc {
class Service;
}

namespace tentacle::cache {

// Library, scrubber and planning must outlive the service. Port and limit are told as the
// configuration has them.
std::unique_ptr<grpc::Service> MakeCacheService(boost::asio::any_io_executor home,
                                                ImageLibrary& library,
                                                Scrubber& scrubber,
                                                Planning& planning,
                                                const runtime::ConfigFeed& config);

}  // namespace tentacle::cache
