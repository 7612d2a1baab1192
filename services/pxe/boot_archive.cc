#include "services/pxe/boot_archive.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "libs/text/view.h"

namespace tentacle::pxe {

namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "boot/";
constexpr std::string_view kBehind = "boot0";  // The first key that has not the prefix.

json::object BootValue(const BootRecord& boot) {
  json::array stages;
  for (const BootStage& stage : boot.stages) {
    stages.push_back(
        {{"at", absl::ToUnixMillis(stage.at)}, {"step", stage.step}, {"detail", stage.detail}});
  }
  json::object value{{"mac", boot.mac.ToString()}, {"task", boot.task_id},
                     {"hostname", boot.hostname},  {"verdict", boot.verdict},
                     {"complete", boot.complete},  {"stages", std::move(stages)}};
  if (boot.ended != absl::InfiniteFuture()) value["ended"] = absl::ToUnixMillis(boot.ended);
  return value;
}

// Throws what Boost.JSON throws when it is something else.
absl::StatusOr<BootRecord> ReadBoot(const json::object& value) {
  const auto text = [&value](const char* name) { return std::string(value.at(name).as_string()); };
  BootRecord boot;
  const auto mac = wire::ParseMac(text("mac"));
  if (!mac.ok()) return mac.status();
  boot.mac = *mac;
  boot.task_id = text("task");
  boot.hostname = text("hostname");
  boot.verdict = text("verdict");
  boot.complete = value.at("complete").as_bool();
  if (value.contains("ended"))
    boot.ended = absl::FromUnixMillis(value.at("ended").to_number<std::int64_t>());
  for (const json::value& one : value.at("stages").as_array()) {
    const json::object& stage = one.as_object();
    boot.stages.push_back({absl::FromUnixMillis(stage.at("at").to_number<std::int64_t>()),
                           std::string(stage.at("step").as_string()),
                           std::string(stage.at("detail").as_string())});
  }
  if (boot.stages.empty()) return absl::DataLossError("a boot without a stage");
  return boot;
}

}  // namespace

std::string RenderBoots(const std::vector<BootRecord>& boots) {
  json::array all;
  for (const BootRecord& boot : boots)
    all.push_back(BootValue(boot));
  return json::serialize(all);
}

absl::StatusOr<std::vector<BootRecord>> ParseBoots(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_array()) return absl::DataLossError("not a JSON array");
  std::vector<BootRecord> boots;
  try {
    for (const json::value& one : value.as_array()) {
      auto boot = ReadBoot(one.as_object());
      if (!boot.ok()) return absl::DataLossError(boot.status().message());
      boots.push_back(*std::move(boot));
    }
  } catch (const std::exception& wrong) {  // Boost.JSON: a field is missing or of another kind.
    return absl::DataLossError(wrong.what());
  }
  return boots;
}

absl::StatusOr<BootArchive::Loaded> BootArchive::Load() {
  Loaded loaded;
  const auto visit = [&loaded](std::string_view key, std::string_view value) {
    auto boots = ParseBoots(std::string(value));
    if (boots.ok()) {
      loaded.boots.insert(loaded.boots.end(), boots->begin(), boots->end());
    } else {
      loaded.unreadable.push_back(fmt::format("{}: {}", key, text::Message(boots.status())));
    }
    return true;
  };
  if (absl::Status status = store_.Scan(kPrefix, kBehind, visit); !status.ok()) return status;
  return loaded;
}

absl::Status BootArchive::Save(const wire::MacAddress& mac, const std::vector<BootRecord>& boots) {
  store::Write write{fmt::format("{}{}", kPrefix, mac.ToString()), std::nullopt};
  if (!boots.empty()) write.value = RenderBoots(boots);
  return store_.Apply({std::move(write)}, /*sync=*/false);
}

}  // namespace tentacle::pxe
