#include "backend/core/admission.h"

namespace tentacle::backend {

namespace {

std::string_view BootOf(std::string_view instance) {
  return instance.substr(0, instance.find('.'));
}

bool SameBoot(std::string_view a, std::string_view b) {
  return !a.empty() && BootOf(a) == BootOf(b);
}

}  // namespace

Admission Admit(std::string_view newcomer, const Holder& holder) {
  if (holder.is_connected) {
    const bool same = !newcomer.empty() && newcomer == holder.instance;
    return same ? Admission::kReplace : Admission::kProbe;
  }
  // While the holder is away for a moment its clone must not slip in.
  if (holder.clone_on_record && !SameBoot(newcomer, holder.instance)) return Admission::kQuarantine;
  return Admission::kTake;
}

}  // namespace tentacle::backend
