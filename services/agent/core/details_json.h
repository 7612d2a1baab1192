// The parts of the inventory that HostDetails holds, as JSON (docs/protocol.md section 3.3).
#pragma once

#include <boost/json/object.hpp>

#include "services/agent/core/host_details.h"

namespace tentacle::agent {

boost::json::object MemoryModuleJson(const MemoryModule& module);
boost::json::object PciJson(const PciDevice& device);
boost::json::object UsbJson(const UsbDevice& device);
boost::json::object UserJson(const User& user);
boost::json::object ContainerJson(const Container& container);
boost::json::object UpdateJson(const PendingUpdate& update);
boost::json::object SmartJson(const SmartHealth& health);
boost::json::object TimeSyncJson(const TimeSync& time_sync);

}  // namespace tentacle::agent
