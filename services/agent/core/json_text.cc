#include "services/agent/core/json_text.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

std::string JsonText(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : CleanField({text->data(), text->size()});
}

}  // namespace tentacle::agent
