// A password that nobody chose.
#pragma once

#include <string>

namespace tentacle::backend {

// Four groups of six letters and digits that no font confuses, an upper and a lower case letter and
// a digit among them, as Windows wants it: more than 130 random bits.
std::string RandomPassword();

}  // namespace tentacle::backend
