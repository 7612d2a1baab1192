#include "services/agent/core/inventory_parts.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"

namespace tentacle::agent {

namespace {

namespace json = boost::json;

constexpr char kCollectedAt[] = "collectedAt";

json::object Parse(std::string_view text) {
  json::error_code error;
  auto value = json::parse({text.data(), text.size()}, error);
  return error || !value.is_object() ? json::object() : std::move(value.get_object());
}

}  // namespace

std::string EncodeTold(const ToldInventory& told) {
  json::object digests;
  for (const auto& [part, digest] : told.digests)
    digests[part] = digest;
  return json::serialize(json::object{
      {"recipient", told.recipient}, {"thinned", told.thinned}, {"digests", std::move(digests)}});
}

ToldInventory DecodeTold(std::string_view text) {
  const auto object = Parse(text);
  const auto* recipient = object.if_contains("recipient");
  const auto* thinned = object.if_contains("thinned");
  const auto* digests = object.if_contains("digests");
  json::error_code error;
  ToldInventory told;
  if (recipient == nullptr || !recipient->is_string() || thinned == nullptr ||
      !thinned->is_number() || digests == nullptr || !digests->is_object()) {
    return told;
  }
  told.recipient = std::string(recipient->get_string());
  told.thinned = thinned->to_number<std::uint64_t>(error);
  for (const auto& entry : digests->get_object()) {
    if (entry.value().is_string())
      told.digests[std::string(entry.key())] = std::string(entry.value().get_string());
  }
  return told;
}

std::optional<InventoryReport> ReportOfChanges(std::string_view inventory,
                                               std::string_view stable,
                                               const ToldInventory& known,
                                               const std::string& recipient,
                                               std::uint64_t thinned,
                                               bool all) {
  const bool full = all || known.recipient != recipient || known.thinned != thinned;
  json::object parts = Parse(inventory);
  InventoryReport report;
  report.told = {recipient, thinned, {}};
  json::object body;
  body[kCollectedAt] = parts[kCollectedAt];
  body["full"] = full;
  bool any = false;
  for (const auto& part : Parse(stable)) {
    if (part.key() == kCollectedAt) continue;
    const std::string name(part.key());
    const std::string digest = identity::Sha256Hex(json::serialize(part.value()));
    report.told.digests[name] = digest;
    const auto before = known.digests.find(name);
    if (!full && before != known.digests.end() && before->second == digest) continue;
    body[part.key()] = parts[part.key()];
    any = true;
  }
  if (!any) return std::nullopt;
  report.body_json = json::serialize(body);
  return report;
}

}  // namespace tentacle::agent
