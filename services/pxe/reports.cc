#include "services/pxe/reports.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/backend_link/messages.h"

namespace tentacle::pxe {

namespace json = boost::json;

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string StatusBody(const TrackedTask& task, absl::Time now) {
  json::object body{{"taskId", task.task.id()},
                    {"status", backend_link::StatusName(task.progress.status())},
                    {"mac", task.mac.ToString()},
                    {"progress", task.progress.percent()},
                    {"message", task.progress.message()},
                    {"time", Rfc3339(now)}};
  // The backend takes the word of a standby for no other reason.
  const bool began = task.progress.status() == task::v1::TASK_STATUS_BOOTING ||
                     task.progress.status() == task::v1::TASK_STATUS_INSTALLING;
  if (began && task.task.relay() == task::v1::RELAY_ROLE_STANDBY) body["tookOver"] = true;
  if (!task.progress.stage().empty()) body["stage"] = task.progress.stage();
  return json::serialize(body);
}

std::string TimelineBody(std::string_view task_id,
                         std::string_view step,
                         std::string_view detail,
                         absl::Time now) {
  return json::serialize(json::object{
      {"taskId", task_id}, {"step", step}, {"detail", detail}, {"time", Rfc3339(now)}});
}

std::string BootBody(const BootRequest& boot,
                     std::string_view task_id,
                     std::string_view unanswered,
                     absl::Time now) {
  json::object body{{"mac", boot.mac.ToString()},
                    {"arch", boot.arch.name},
                    {"firmware", boot.ipxe ? "ipxe" : FirmwareName(boot.arch.firmware)}};
  const auto put = [&body](const char* name, std::string_view value) {
    if (!value.empty()) body[name] = value;
  };
  put("taskId", task_id);
  put("time", Rfc3339(now));
  put("unanswered", unanswered);
  put("vendorClass", boot.says.vendor_class);
  put("userClass", boot.says.user_class);
  put("hostname", boot.says.host_name);
  put("interfaceVersion", boot.says.interface_version);
  if (boot.says.machine) put("machineId", MachineIdText(*boot.says.machine));
  return json::serialize(body);
}

std::string BootRecordBody(const BootRecord& boot) {
  json::array stages;
  for (std::size_t i = 0; i < boot.stages.size(); ++i) {
    const BootStage& stage = boot.stages[i];
    stages.push_back(json::object{{"step", stage.step},
                                  {"detail", stage.detail},
                                  {"time", Rfc3339(stage.at)},
                                  {"durationMs", absl::ToInt64Milliseconds(boot.Took(i))}});
  }
  json::object body{{"mac", boot.mac.ToString()},  {"complete", boot.complete},
                    {"verdict", boot.verdict},     {"startedAt", Rfc3339(boot.started())},
                    {"time", Rfc3339(boot.ended)}, {"stages", stages}};
  if (!boot.task_id.empty()) body["taskId"] = boot.task_id;
  return json::serialize(body);
}

}  // namespace tentacle::pxe
