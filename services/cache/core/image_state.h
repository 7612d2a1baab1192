// How an image moves: a transition table.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <optional>
#include <string_view>

namespace tentacle::cache {

using v1::ImageState;

enum class ImageEvent {
  kDemanded,
  kBytesComplete,
  kHashRight,
  kHashWrong,
  kGaveUp,
  kEvicted,
  kDoubted,
  kWithdrawn
};
inline constexpr int kImageEvents = 8;
std::string_view ImageEventName(ImageEvent event);
std::string_view ImageStateName(ImageState state);  // "absent", "pulling", ...

// The state after `event`; nothing where the event cannot happen or changes nothing.
std::optional<ImageState> After(ImageState state, ImageEvent event);

}  // namespace tentacle::cache
