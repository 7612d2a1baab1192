// The topology of a segment in Graphviz's language. Pure.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace tentacle::backend {

// `topology` as network.segment has it (docs/protocol.md section 3); what is no node or edge is
// left out.
std::string TopologyDot(const boost::json::object& topology);

}  // namespace tentacle::backend
