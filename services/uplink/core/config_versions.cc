#include "services/uplink/core/config_versions.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tentacle::uplink {

namespace {

namespace json = boost::json;

// The sections that the connection is made with.
constexpr std::array<std::string_view, 2> kLinkSections = {"backend", "uplink"};

json::object ParseObject(std::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error || value.if_object() == nullptr) return {};
  return std::move(value.as_object());
}

json::value Section(const json::object& object, std::string_view name) {
  const auto* section = object.if_contains({name.data(), name.size()});
  return section == nullptr ? json::object() : *section;
}

std::optional<ConfigStanding> StandingFromName(std::string_view name) {
  for (const auto standing : {ConfigStanding::kInForce, ConfigStanding::kOnTrial,
                              ConfigStanding::kSuperseded, ConfigStanding::kReverted}) {
    if (Name(standing) == name) return standing;
  }
  return std::nullopt;
}

std::optional<ConfigVersion> ParseVersion(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto text = [object](const char* name) {
    const auto* member = object->if_contains(name);
    return member == nullptr || member->if_string() == nullptr ? std::string()
                                                               : std::string(member->get_string());
  };
  const auto number = [object](const char* name) {
    const auto* member = object->if_contains(name);
    json::error_code error;
    return member == nullptr || !member->is_number() ? 0 : member->to_number<std::int64_t>(error);
  };
  const auto standing = StandingFromName(text("standing"));
  if (!standing) return std::nullopt;
  return ConfigVersion{static_cast<std::uint64_t>(number("revision")), text("config"),
                       absl::FromUnixMillis(number("since")), *standing, text("reason")};
}

}  // namespace

std::string_view Name(ConfigStanding standing) {
  switch (standing) {
    case ConfigStanding::kInForce:
      return "in force";
    case ConfigStanding::kOnTrial:
      return "on trial";
    case ConfigStanding::kSuperseded:
      return "superseded";
    case ConfigStanding::kReverted:
      return "reverted";
  }
  return "";
}

bool TouchesLink(std::string_view json, std::string_view other_json) {
  const json::object one = ParseObject(json);
  const json::object other = ParseObject(other_json);
  return std::any_of(kLinkSections.begin(), kLinkSections.end(), [&](std::string_view name) {
    return Section(one, name) != Section(other, name);
  });
}

std::string WithoutPins(std::string_view json) {
  json::object config = ParseObject(json);
  json::value& backend = config["backend"];
  if (!backend.is_object()) backend.emplace_object();
  backend.get_object()["pins"] = json::array();
  return json::serialize(config);
}

const ConfigVersion* ConfigVersions::current() const {
  for (const ConfigStanding standing : {ConfigStanding::kOnTrial, ConfigStanding::kInForce}) {
    for (const ConfigVersion& version : versions_) {
      if (version.standing == standing) return &version;
    }
  }
  return nullptr;
}

const ConfigVersion* ConfigVersions::fallback() const {
  for (const ConfigVersion& version : versions_) {
    if (version.standing == ConfigStanding::kInForce) return &version;
  }
  return nullptr;
}

bool ConfigVersions::on_trial() const {
  const ConfigVersion* version = current();
  return version != nullptr && version->standing == ConfigStanding::kOnTrial;
}

bool ConfigVersions::WasReverted(std::uint64_t revision, std::string_view json) const {
  return std::any_of(versions_.begin(), versions_.end(), [&](const ConfigVersion& version) {
    return version.standing == ConfigStanding::kReverted && version.revision == revision &&
           version.json == json;
  });
}

ConfigVersion* ConfigVersions::Find(ConfigStanding standing) {
  for (ConfigVersion& version : versions_) {
    if (version.standing == standing) return &version;
  }
  return nullptr;
}

void ConfigVersions::Accept(std::uint64_t revision,
                            std::string json,
                            bool on_trial,
                            absl::Time now) {
  // A trial that is overtaken by a newer configuration never became the one to fall back to.
  if (ConfigVersion* before = Find(ConfigStanding::kOnTrial)) {
    before->standing = ConfigStanding::kSuperseded;
  }
  if (ConfigVersion* before = Find(ConfigStanding::kInForce); before != nullptr && !on_trial) {
    before->standing = ConfigStanding::kSuperseded;
  }
  const auto standing = on_trial ? ConfigStanding::kOnTrial : ConfigStanding::kInForce;
  versions_.push_back({revision, std::move(json), now, standing, ""});
  if (versions_.size() <= kMax) return;
  // What is in force must stay: it may be needed again.
  const auto oldest = std::find_if(versions_.begin(), versions_.end(), [](const auto& version) {
    return version.standing != ConfigStanding::kInForce;
  });
  versions_.erase(oldest);
}

void ConfigVersions::Confirm(absl::Time now) {
  ConfigVersion* trial = Find(ConfigStanding::kOnTrial);
  if (trial == nullptr) return;
  if (ConfigVersion* before = Find(ConfigStanding::kInForce)) {
    before->standing = ConfigStanding::kSuperseded;
  }
  trial->standing = ConfigStanding::kInForce;
  trial->since = now;
}

std::string ConfigVersions::Revert(std::string reason, absl::Time now) {
  if (ConfigVersion* trial = Find(ConfigStanding::kOnTrial)) {
    trial->standing = ConfigStanding::kReverted;
    trial->since = now;
    trial->reason = std::move(reason);
  }
  const ConfigVersion* back = fallback();
  return back == nullptr ? "{}" : back->json;
}

std::string ConfigVersions::Serialize() const {
  json::array list;
  for (const ConfigVersion& version : versions_) {
    list.emplace_back(json::object{{"revision", version.revision},
                                   {"config", version.json},
                                   {"since", absl::ToUnixMillis(version.since)},
                                   {"standing", Name(version.standing)},
                                   {"reason", version.reason}});
  }
  return json::serialize(list);
}

ConfigVersions ConfigVersions::Parse(std::string_view text) {
  ConfigVersions versions;
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || value.if_array() == nullptr) return versions;
  for (const json::value& element : value.get_array()) {
    if (auto version = ParseVersion(element)) versions.versions_.push_back(*std::move(version));
  }
  return versions;
}

}  // namespace tentacle::uplink
