// Where the tests' data lies. Only data_dir.cc knows the path, so that a checkout in another folder
// compiles nothing but that file anew.
#pragma once

#include <string>

namespace tentacle::testing {

// tests/data, absolute.
std::string DataDir();

}  // namespace tentacle::testing
