#include "services/agent/core/parse_docker_config.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "services/agent/core/json_text.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

const json::object* Part(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace

std::optional<Container> ParseDockerConfig(std::string_view text) {
  json::error_code error;
  const auto value = json::parse({text.data(), text.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  Container container;
  container.id = JsonText(*object, "ID").substr(0, kShortContainerId);
  container.name = JsonText(*object, "Name");
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  if (const auto* config = Part(*object, "Config")) container.image = JsonText(*config, "Image");
  if (const auto* state = Part(*object, "State")) {
    const auto* running = state->if_contains("Running");
    container.running = running != nullptr && running->is_bool() && running->get_bool();
  }
  if (container.id.empty()) return std::nullopt;
  return container;
}

}  // namespace tentacle::agent
