#include "backend/core/event_id.h"

#include <algorithm>
#include <charconv>

namespace tentacle::backend {

namespace {

constexpr std::size_t kMaxDigits = 18;  // What a bigint holds for certain.

}  // namespace

std::optional<EventPosition> ParseEventPosition(std::string_view id) {
  const auto last = id.rfind('/');
  if (last == std::string_view::npos) return std::nullopt;
  const std::string_view lane = id.substr(0, last);
  const std::string_view digits = id.substr(last + 1);
  const auto slash = lane.find('/');
  const bool two_parts = slash != std::string_view::npos && slash > 0 && slash + 1 < lane.size() &&
                         lane.find('/', slash + 1) == std::string_view::npos;
  const bool is_number =
      !digits.empty() && digits.size() <= kMaxDigits &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!two_parts || !is_number) return std::nullopt;
  EventPosition position{std::string(lane), 0};
  std::from_chars(digits.data(), digits.data() + digits.size(), position.sequence);
  return position;
}

}  // namespace tentacle::backend
