// A text of a tool's JSON, fit to be sent on.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace tentacle::agent {

// "" when it is not there or no text.
std::string JsonText(const boost::json::object& object, const char* name);

}  // namespace tentacle::agent
