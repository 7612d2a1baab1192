#include "libs/runtime/health.h"

#include <algorithm>
#include <utility>

namespace tentacle::runtime {

void Health::Set(std::string_view condition, bool ok, std::string detail) {
  auto at = conditions_.find(condition);
  if (at == conditions_.end()) at = conditions_.emplace(std::string(condition), Condition()).first;
  at->second = Condition{ok, std::move(detail)};
  if (callback_) callback_(ready());
}

bool Health::ready() const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [](const auto& one) { return one.second.ok; });
}

}  // namespace tentacle::runtime
