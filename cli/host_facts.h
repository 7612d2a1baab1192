// What a tentacle tells of its host when it enrolls.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace tentacle::cli {

std::string Hostname();
// {hostname, machineId, os, arch, version, network{interfaces[{name, mac, addresses[]}]}}
boost::json::object HostFacts();

}  // namespace tentacle::cli
