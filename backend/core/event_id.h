// "<service>/<epoch>/<sequence>": the id of an event (docs/protocol.md section 3). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tentacle::backend {

struct EventPosition {
  // "<service>/<epoch>": within it events come in order, a repeat never after a newer one.
  std::string lane;
  std::int64_t sequence = 0;
};

// Nothing for an id of another form, which is opaque.
std::optional<EventPosition> ParseEventPosition(std::string_view id);

}  // namespace tentacle::backend
