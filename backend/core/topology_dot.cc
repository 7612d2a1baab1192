#include "backend/core/topology_dot.h"

#include <fmt/format.h>

#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "libs/text/dot.h"

namespace tentacle::backend {

namespace {

namespace json = boost::json;

std::string Text(const json::value& value, json::string_view name) {
  const auto* object = value.if_object();
  const auto* field = object == nullptr ? nullptr : object->if_contains(name);
  const auto* text = field == nullptr ? nullptr : field->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

const json::array& List(const json::object& object, json::string_view name) {
  static const json::array none;
  const auto* list = object.if_contains(name);
  return list == nullptr || !list->is_array() ? none : list->get_array();
}

}  // namespace

std::string TopologyDot(const json::object& topology) {
  std::string dot = "graph segment {\n  node [shape=box];\n";
  for (const json::value& node : List(topology, "nodes")) {
    const std::string id = Text(node, "id");
    if (id.empty()) continue;
    dot += fmt::format("  {} [label={}, tooltip={}, class={}];\n", text::DotString(id),
                       text::DotString(Text(node, "label")), text::DotString(Text(node, "detail")),
                       text::DotString(Text(node, "kind")));
  }
  for (const json::value& edge : List(topology, "edges")) {
    const std::string from = Text(edge, "from");
    const std::string to = Text(edge, "to");
    if (from.empty() || to.empty()) continue;
    const std::string evidence = fmt::format("{} {}", Text(edge, "evidence"), Text(edge, "seen"));
    dot += fmt::format("  {} -- {} [label={}, tooltip={}];\n", text::DotString(from),
                       text::DotString(to), text::DotString(Text(edge, "label")),
                       text::DotString(evidence));
  }
  return dot + "}\n";
}

}  // namespace tentacle::backend
