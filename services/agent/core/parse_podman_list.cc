#include "services/agent/core/parse_podman_list.h"

#include <boost/json/parse.hpp>

#include "services/agent/core/fields.h"
#include "services/agent/core/json_text.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

// It has one, as long as nobody asks for more.
std::string FirstName(const json::object& container) {
  const auto* value = container.if_contains("Names");
  const auto* names = value == nullptr ? nullptr : value->if_array();
  const auto* name = names == nullptr || names->empty() ? nullptr : names->front().if_string();
  return name == nullptr ? "" : CleanField({name->data(), name->size()});
}

}  // namespace

absl::StatusOr<std::vector<Container>> ParsePodmanList(std::string_view text) {
  json::error_code error;
  const auto value = json::parse({text.data(), text.size()}, error);
  const auto* entries = error ? nullptr : value.if_array();
  if (entries == nullptr) return absl::InvalidArgumentError("podman: the answer is no list");
  std::vector<Container> containers;
  for (const auto& entry : *entries) {
    const auto* object = entry.if_object();
    if (object == nullptr) continue;
    Container container{JsonText(*object, "Id").substr(0, kShortContainerId), FirstName(*object),
                        JsonText(*object, "Image"), JsonText(*object, "State") == "running"};
    if (!container.id.empty()) containers.push_back(std::move(container));
  }
  return containers;
}

}  // namespace tentacle::agent
