// libs/runtime/kill_point.h, by a short name.
#pragma once

#include "libs/runtime/kill_point.h"

namespace tentacle::cache {

using runtime::KillPoint;

}  // namespace tentacle::cache
