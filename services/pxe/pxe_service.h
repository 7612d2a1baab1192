// gRPC adapter: PxeService over the desk.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "services/pxe/boot_desk.h"

namespace grpc {
class Service;
}

namespace tentacle::pxe {

// `desk` must outlive the service.
std::unique_ptr<grpc::Service> MakePxeService(boost::asio::any_io_executor home, BootDesk& desk);

}  // namespace tentacle::pxe
