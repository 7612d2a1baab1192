#include "services/cache/core/image_state.h"

namespace tentacle::cache {

namespace {

using v1::IMAGE_STATE_ABSENT;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;
using v1::IMAGE_STATE_PULLING;
using v1::IMAGE_STATE_VERIFYING;

struct Transition {
  ImageState from;
  ImageEvent on;
  ImageState to;
};

// clang-format off
constexpr Transition kTransitions[] = {
    // from                on                          to
    {IMAGE_STATE_ABSENT,    ImageEvent::kDemanded,      IMAGE_STATE_PULLING},
    {IMAGE_STATE_FAILED,    ImageEvent::kDemanded,      IMAGE_STATE_PULLING},
    {IMAGE_STATE_PULLING,   ImageEvent::kBytesComplete, IMAGE_STATE_VERIFYING},
    {IMAGE_STATE_PULLING,   ImageEvent::kGaveUp,        IMAGE_STATE_FAILED},
    {IMAGE_STATE_VERIFYING, ImageEvent::kHashRight,     IMAGE_STATE_CACHED},
    {IMAGE_STATE_VERIFYING, ImageEvent::kHashWrong,     IMAGE_STATE_PULLING},
    {IMAGE_STATE_VERIFYING, ImageEvent::kGaveUp,        IMAGE_STATE_FAILED},
    {IMAGE_STATE_CACHED,    ImageEvent::kEvicted,       IMAGE_STATE_ABSENT},
    {IMAGE_STATE_FAILED,    ImageEvent::kEvicted,       IMAGE_STATE_ABSENT},
    // What is on the disk is not what was verified: it becomes a part again, and is pulled.
    {IMAGE_STATE_CACHED,    ImageEvent::kDoubted,       IMAGE_STATE_ABSENT},
    {IMAGE_STATE_PULLING,   ImageEvent::kWithdrawn,     IMAGE_STATE_ABSENT},
    {IMAGE_STATE_VERIFYING, ImageEvent::kWithdrawn,     IMAGE_STATE_ABSENT},
};
// clang-format on

}  // namespace

std::string_view ImageEventName(ImageEvent event) {
  switch (event) {
    case ImageEvent::kDemanded:
      return "demanded";
    case ImageEvent::kBytesComplete:
      return "bytes-complete";
    case ImageEvent::kHashRight:
      return "hash-right";
    case ImageEvent::kHashWrong:
      return "hash-wrong";
    case ImageEvent::kGaveUp:
      return "gave-up";
    case ImageEvent::kEvicted:
      return "evicted";
    case ImageEvent::kWithdrawn:
      return "withdrawn";
    case ImageEvent::kDoubted:
      return "doubted";
  }
  return "unknown";
}

std::string_view ImageStateName(ImageState state) {
  switch (state) {
    case IMAGE_STATE_ABSENT:
      return "absent";
    case IMAGE_STATE_PULLING:
      return "pulling";
    case IMAGE_STATE_VERIFYING:
      return "verifying";
    case IMAGE_STATE_CACHED:
      return "cached";
    case IMAGE_STATE_FAILED:
      return "failed";
    default:
      return "unknown";
  }
}

std::optional<ImageState> After(ImageState state, ImageEvent event) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == state && transition.on == event) return transition.to;
  }
  return std::nullopt;
}

}  // namespace tentacle::cache
