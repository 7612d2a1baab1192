#include "services/pxe/task_dir.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "libs/backend_link/messages.h"
#include "libs/store/durable_file.h"
#include "libs/text/view.h"

namespace tentacle::pxe {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 1 << 20;

bool IsSecret(std::string_view name) {
  return absl::StrContains(absl::AsciiStrToLower(text::AbslView(name)), "password") ||
         name == "accountData";
}

// Without anything that is called a password, or opens a domain, at any depth.
json::value WithoutSecrets(const json::value& value) {
  if (const auto* object = value.if_object()) {
    json::object kept;
    for (const auto& field : *object) {
      const std::string_view name(field.key().data(), field.key().size());
      if (!IsSecret(name)) kept[name] = WithoutSecrets(field.value());
    }
    return kept;
  }
  if (const auto* list = value.if_array()) {
    json::array kept;
    for (const auto& element : *list)
      kept.push_back(WithoutSecrets(element));
    return kept;
  }
  return value;
}

bool HasSecrets(const task::v1::BootTask& task) {
  return !task.admin_password().empty() || !task.domain().password().empty() ||
         !task.domain().account_data().empty();
}

json::value RedemptionValue(const Redemption& used) {
  return {{"address", used.address},
          {"times", used.times},
          {"first", used.times == 0 ? 0 : absl::ToUnixSeconds(used.first)}};
}

// Indented by two spaces: an operator reads these files.
void Pretty(const json::value& value, int depth, std::string* out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2 + 2, ' ');
  const auto* object = value.if_object();
  if (object == nullptr || object->empty()) {
    *out += json::serialize(value);
    return;
  }
  *out += "{\n";
  std::size_t left = object->size();
  for (const auto& field : *object) {
    *out += indent + json::serialize(json::string(field.key())) + ": ";
    Pretty(field.value(), depth + 1, out);
    *out += --left > 0 ? ",\n" : "\n";
  }
  *out += indent.substr(2) + "}";
}

absl::Status Corrupt(std::string_view what) {
  return absl::DataLossError(std::string(what));
}

std::string_view TextOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string())
                                                : std::string_view();
}

std::int64_t NumberOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

Redemption ParseRedemption(const json::object& used) {
  Redemption out;
  out.address = std::string(TextOf(used, "address"));
  out.times = static_cast<unsigned>(NumberOf(used, "times"));
  if (out.times > 0) out.first = absl::FromUnixSeconds(NumberOf(used, "first"));
  return out;
}

// Fields that older versions did not write.
void ParseBoot(const json::object& file, TrackedTask* task) {
  const auto* left_out = file.if_contains("secretsLeftOut");
  task->has_secrets = left_out == nullptr || !left_out->is_bool() || !left_out->get_bool();
  if (const auto* value = file.if_contains("boot"); value != nullptr && value->is_object()) {
    const json::object& boot = value->get_object();
    task->boot_address = std::string(TextOf(boot, "address"));
    task->script_at = absl::FromUnixSeconds(NumberOf(boot, "scriptAt"));
    task->boots = static_cast<unsigned>(NumberOf(boot, "boots"));
    task->loop_since = absl::FromUnixSeconds(NumberOf(boot, "since"));
    task->seen = CleanIdentity(TextOf(boot, "uuid"), TextOf(boot, "serial"));
  }
  if (const auto* value = file.if_contains("answers"); value != nullptr && value->is_object()) {
    for (const auto& answer : value->get_object()) {
      if (answer.value().is_object()) {
        task->answers[std::string(answer.key())] = ParseRedemption(answer.value().get_object());
      }
    }
  }
}

}  // namespace

std::string RenderTaskFile(const TrackedTask& task) {
  boost::system::error_code error;
  json::value source = json::parse(task.task.source_json(), error);
  if (error) source = json::object{{"id", task.task.id()}, {"mac", task.task.mac()}};
  json::value file = {{"task", WithoutSecrets(source)},
                      {"progress",
                       {{"status", backend_link::StatusName(task.progress.status())},
                        {"stage", task.progress.stage()},
                        {"percent", task.progress.percent()},
                        {"message", task.progress.message()},
                        {"changedAt", task.progress.changed_at().seconds()}}},
                      {"bootNumber", task.boot_number},
                      {"orders", RedemptionValue(task.redemption)}};
  json::object& more = file.as_object();
  // Only what there is: most tasks have none of it.
  if (HasSecrets(task.task) || !task.has_secrets) more["secretsLeftOut"] = true;
  if (task.boots > 0) {
    more["boot"] = {
        {"address", task.boot_address}, {"scriptAt", absl::ToUnixSeconds(task.script_at)},
        {"boots", task.boots},          {"since", absl::ToUnixSeconds(task.loop_since)},
        {"uuid", task.seen.uuid},       {"serial", task.seen.serial}};
  }
  json::object answers;
  for (const auto& [name, used] : task.answers)
    answers[name] = RedemptionValue(used);
  if (!answers.empty()) more["answers"] = answers;
  std::string text;
  Pretty(file, 0, &text);
  return text + "\n";
}

absl::StatusOr<TrackedTask> ParseTaskFile(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Corrupt("not a JSON object");
  const json::object& file = value.as_object();
  const auto* source = file.if_contains("task");
  const auto* progress = file.if_contains("progress");
  const auto* orders = file.if_contains("orders");
  if (source == nullptr || progress == nullptr || orders == nullptr || !source->is_object() ||
      !progress->is_object() || !orders->is_object()) {
    return Corrupt("\"task\", \"progress\" or \"orders\" is missing");
  }
  auto task = backend_link::ParseTask(source->as_object());
  if (!task.ok()) return Corrupt(text::Message(task.status()));
  TrackedTask tracked;
  tracked.mac = *wire::ParseMac(task->mac());
  tracked.task = *std::move(task);
  const json::object& how = progress->as_object();
  tracked.progress.set_task_id(tracked.task.id());
  tracked.progress.set_status(backend_link::StatusFromName(TextOf(how, "status")));
  if (tracked.progress.status() == task::v1::TASK_STATUS_UNSPECIFIED)
    return Corrupt("the status is none");
  tracked.progress.set_stage(std::string(TextOf(how, "stage")));
  tracked.progress.set_message(std::string(TextOf(how, "message")));
  tracked.progress.set_percent(static_cast<std::uint32_t>(NumberOf(how, "percent")));
  tracked.progress.mutable_changed_at()->set_seconds(NumberOf(how, "changedAt"));
  tracked.boot_number = static_cast<std::uint32_t>(NumberOf(file, "bootNumber"));
  tracked.redemption = ParseRedemption(orders->as_object());
  ParseBoot(file, &tracked);
  return tracked;
}

std::string TaskDir::FileOf(const wire::MacAddress& mac) const {
  return fmt::format("{}/{}.json", path_, mac.WithDashes());
}

absl::StatusOr<TaskDir::Loaded> TaskDir::Load() {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path_, error.message()));
  Loaded loaded;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    if (entry.path().extension() != ".json") continue;
    std::stringstream content;
    if (entry.file_size(error) <= kMaxFileBytes) content << std::ifstream(entry.path()).rdbuf();
    auto task = ParseTaskFile(content.str());
    // A copy under another name would come back after its task has gone.
    if (task.ok() && entry.path().stem() != task->mac.WithDashes())
      task = Corrupt("not the file name of its MAC");
    if (task.ok()) {
      loaded.tasks.push_back(*std::move(task));
      continue;
    }
    loaded.quarantined.push_back(
        fmt::format("{}: {}", entry.path().filename().string(), text::Message(task.status())));
    std::filesystem::rename(entry.path(), entry.path().string() + ".corrupt", error);
  }
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path_, error.message()));
  return loaded;
}

absl::Status TaskDir::Save(const wire::MacAddress& mac, const std::string& text) {
  const std::string path = FileOf(mac);
  const std::string temporary = path + ".new";
  if (absl::Status status = store::WriteSynced(temporary, text, 0600); !status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return absl::ErrnoToStatus(errno, path);
  return store::SyncFolder(path_);
}

absl::Status TaskDir::Remove(const wire::MacAddress& mac) {
  if (::unlink(FileOf(mac).c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, FileOf(mac));
}

}  // namespace tentacle::pxe
