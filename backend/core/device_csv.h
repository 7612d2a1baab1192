// The devices of a segment as a CSV file, fit for a spreadsheet whatever they call themselves.
// Pure.
#pragma once

#include <string>

#include <boost/json/array.hpp>

namespace tentacle::backend {

// `devices` as GET /tentacles/{id}/devices lists them. With a line of headings.
std::string DevicesCsv(const boost::json::array& devices);

}  // namespace tentacle::backend
