#include "libs/backend_link/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <absl/strings/escaping.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "libs/text/view.h"

namespace tentacle::backend_link {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> kKindNames = {"script", "command", "package", "service"};
constexpr std::array<std::string_view, 3> kPackageActions = {"install", "remove", "upgrade"};
constexpr std::array<std::string_view, 5> kServiceActions = {"start", "stop", "restart", "enable",
                                                             "disable"};
constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX with its NUL is 4096.
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool OnlyOf(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return kLetters.find(c) != std::string_view::npos ||
           kDigits.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool IsAbsolutePath(std::string_view path) {
  return path.starts_with('/') && path.size() <= kMaxPathBytes && !HasControl(path);
}

// Reads fields and keeps the first thing that is wrong.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  const json::value* Find(std::string_view name) const {
    const auto* value = object_.if_contains(json::string_view(name.data(), name.size()));
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::string Text(std::string_view name, std::size_t most, std::string fallback = "") {
    const auto* value = Find(name);
    if (value == nullptr) return fallback;
    const auto* text = value->if_string();
    if (text == nullptr) return Wrong(name, "want a text"), std::string();
    if (text->size() > most)
      Wrong(name, fmt::format("{} bytes, allowed are {}", text->size(), most));
    // Arguments, environment and files are C strings or go through them.
    if (text->find('\0') != json::string::npos) Wrong(name, "a NUL in it");
    return std::string(*text);
  }

  std::uint64_t Number(std::string_view name, std::uint64_t most, std::uint64_t fallback) {
    const auto* value = Find(name);
    if (value == nullptr) return fallback;
    json::error_code error;
    const auto number = value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
    if (!value->is_number() || error || number > most) {
      Wrong(name, fmt::format("want a number from 0 to {}", most));
    }
    return number;
  }

  std::vector<std::string> Texts(std::string_view name, std::size_t most, std::size_t bytes) {
    std::vector<std::string> texts;
    const auto* value = Find(name);
    if (value == nullptr) return texts;
    const auto* list = value->if_array();
    if (list == nullptr || list->size() > most) {
      return Wrong(name, fmt::format("want a list of at most {} texts", most)), texts;
    }
    std::size_t together = 0;
    for (const auto& element : *list) {
      const auto* text = element.if_string();
      if (text == nullptr) return Wrong(name, "want a list of texts"), texts;
      if (text->find('\0') != json::string::npos) return Wrong(name, "a NUL in it"), texts;
      together += text->size();
      texts.emplace_back(*text);
    }
    if (together > bytes) Wrong(name, fmt::format("{} bytes, allowed are {}", together, bytes));
    return texts;
  }

  absl::Time Time(std::string_view name, absl::Time fallback) {
    const std::string text = Text(name, 64);
    if (text.empty()) return fallback;
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error))
      Wrong(name, "want a time (RFC 3339)");
    return time;
  }

  void Wrong(std::string_view name, std::string_view what) {
    if (!status_.ok()) return;
    const std::string sentence = fmt::format("{}: {}", name, what);
    status_ = absl::InvalidArgumentError(text::AbslView(sentence));
  }

  const absl::Status& status() const { return status_; }

 private:
  const json::object& object_;
  absl::Status status_;
};

// The agent's own variables cannot be taken over, and the loader's only by root of the host.
bool IsVariableName(std::string_view name) {
  return !name.empty() && kDigits.find(name.front()) == std::string_view::npos &&
         OnlyOf(name, "_") && name.size() <= kMaxNameBytes && !name.starts_with("TENTACLE_") &&
         !name.starts_with("LD_");
}

// An object of texts. What is wrong is said by the field and the name alone: a text may be a
// secret.
struct NamedTexts {
  std::string_view field;
  std::size_t most;
  std::size_t bytes;  // Of names and texts together.
  bool (*is_name)(std::string_view);
  bool may_have_nul = false;
};

std::map<std::string, std::string> ReadTexts(Reader& in, const NamedTexts& rule) {
  std::map<std::string, std::string> texts;
  const auto* value = in.Find(rule.field);
  if (value == nullptr) return texts;
  const auto* object = value->if_object();
  if (object == nullptr || object->size() > rule.most) {
    in.Wrong(rule.field, fmt::format("want an object of at most {} texts", rule.most));
    return texts;
  }
  std::size_t bytes = 0;
  for (const auto& entry : *object) {
    const std::string name(entry.key());
    const auto* text = entry.value().if_string();
    if (!rule.is_name(name)) in.Wrong(rule.field, fmt::format("the name \"{}\"", name));
    if (text == nullptr || (!rule.may_have_nul && text->find('\0') != json::string::npos)) {
      in.Wrong(rule.field,
               fmt::format("{}: want a text{}", name, rule.may_have_nul ? "" : " without a NUL"));
      return texts;
    }
    bytes += name.size() + text->size();
    texts[name] = std::string(*text);
  }
  if (bytes > rule.bytes)
    in.Wrong(rule.field, fmt::format("{} bytes, allowed are {}", bytes, rule.bytes));
  return texts;
}

void ReadFiles(Reader& in, Job& job) {
  const auto* value = in.Find("files");
  if (value == nullptr) return;
  const auto* list = value->if_array();
  if (list == nullptr || list->size() > kMaxJobFiles) {
    in.Wrong("files", fmt::format("want a list of at most {}", kMaxJobFiles));
    return;
  }
  std::size_t bytes = 0;
  for (const auto& element : *list) {
    const auto* object = element.if_object();
    if (object == nullptr) return in.Wrong("files", "want a list of objects");
    Reader file(*object);
    JobFile one;
    one.name = file.Text("name", kMaxNameBytes);
    std::string content;
    const std::string encoded = file.Text("contentBase64", 2 * kMaxJobFilesBytes);
    if (!absl::Base64Unescape(encoded, &content)) file.Wrong("contentBase64", "want base64");
    one.content =
        file.Find("contentBase64") != nullptr ? content : file.Text("content", kMaxJobFilesBytes);
    const auto* executable = file.Find("executable");
    one.executable = executable != nullptr && executable->is_bool() && executable->get_bool();
    bytes += one.content.size();
    // IsJobId is the rule for names of folders; the script has its own.
    if (!IsJobId(one.name) || one.name == "script" || one.name == "credentials") {
      file.Wrong("name", "letters, digits, '.', '_', '-' only, not \"script\" or \"credentials\"");
    }
    const bool twice = std::any_of(job.files.begin(), job.files.end(),
                                   [&one](const JobFile& other) { return other.name == one.name; });
    if (twice) file.Wrong("name", "twice");
    if (!file.status().ok()) return in.Wrong("files", text::Message(file.status()));
    job.files.push_back(std::move(one));
  }
  if (bytes > kMaxJobFilesBytes) {
    in.Wrong("files", fmt::format("{} bytes, allowed are {}", bytes, kMaxJobFilesBytes));
  }
}

template <std::size_t N>
std::string ReadAction(Reader& in, const std::array<std::string_view, N>& allowed) {
  std::string action = in.Text("action", kMaxNameBytes);
  if (std::find(allowed.begin(), allowed.end(), action) == allowed.end()) {
    std::string list;
    for (const auto one : allowed)
      list += fmt::format("{}{}", list.empty() ? "" : ", ", one);
    in.Wrong("action", fmt::format("want one of {}", list));
  }
  return action;
}

void ReadWhatRuns(Reader& in, Job& job) {
  const std::string kind = in.Text("type", kMaxNameBytes, "script");
  const auto* at = std::find(kKindNames.begin(), kKindNames.end(), kind);
  if (at == kKindNames.end())
    return in.Wrong("type", fmt::format("there is no kind of job \"{}\"", kind));
  job.kind = static_cast<JobKind>(at - kKindNames.begin());
  switch (job.kind) {
    case JobKind::kScript:
      job.interpreter = in.Text("interpreter", kMaxPathBytes);
      if (job.interpreter.empty()) job.interpreter = "/bin/sh";
      if (!IsAbsolutePath(job.interpreter)) in.Wrong("interpreter", "not an absolute path");
      job.script = in.Text("script", kMaxScriptBytes);
      if (job.script.empty()) in.Wrong("script", "empty");
      job.arguments = in.Texts("arguments", kMaxArguments, kMaxArgumentBytes);
      break;
    case JobKind::kCommand:
      job.arguments = in.Texts("command", kMaxArguments, kMaxArgumentBytes);
      if (job.arguments.empty() || !IsAbsolutePath(job.arguments.front())) {
        in.Wrong("command", "want a list that begins with an absolute path");
      }
      break;
    case JobKind::kPackage:
      job.action = ReadAction(in, kPackageActions);
      job.names = in.Texts("packages", kMaxPackages, kMaxArgumentBytes);
      // An upgrade of nothing is one of everything.
      if (job.names.empty() && job.action != "upgrade") in.Wrong("packages", "empty");
      for (const auto& name : job.names) {
        if (!IsPackageName(name)) in.Wrong("packages", fmt::format("\"{}\" is no package", name));
      }
      break;
    case JobKind::kService:
      job.action = ReadAction(in, kServiceActions);
      job.names = {in.Text("unit", kMaxNameBytes)};
      if (!IsUnitName(job.names.front())) {
        in.Wrong("unit", fmt::format("\"{}\" is no unit", job.names.front()));
      }
      break;
  }
}

void ReadHow(Reader& in, Job& job) {
  job.user = in.Text("user", kMaxNameBytes);
  if (!job.user.empty() && !IsUserName(job.user)) in.Wrong("user", "no name of a user");
  job.working_directory = in.Text("workingDirectory", kMaxPathBytes);
  if (!job.working_directory.empty() && !IsAbsolutePath(job.working_directory)) {
    in.Wrong("workingDirectory", "not an absolute path");
  }
  job.input = in.Text("input", kMaxInputBytes);
  const auto most = static_cast<std::uint64_t>(absl::ToInt64Seconds(kMaxJobTimeout));
  const auto seconds = static_cast<std::int64_t>(in.Number("timeoutSeconds", most, 300));
  job.timeout = seconds == 0 ? absl::Minutes(5) : absl::Seconds(seconds);
  job.retries = static_cast<std::uint32_t>(in.Number("retries", kMaxRetries, 0));
  job.retry_delay =
      absl::Seconds(static_cast<std::int64_t>(in.Number("retryDelaySeconds", most, 10)));
  job.not_before = in.Time("notBefore", absl::InfinitePast());
  job.not_after = in.Time("notAfter", absl::InfiniteFuture());
  const auto* limits = in.Find("limits");
  if (limits == nullptr) return;
  if (!limits->is_object()) return in.Wrong("limits", "want an object");
  Reader bounds(limits->get_object());
  job.limits.memory_bytes = bounds.Number("memoryBytes", 1ull << 50, 0);
  job.limits.cpu_percent = static_cast<std::uint32_t>(bounds.Number("cpuPercent", 100'000, 0));
  job.limits.processes = static_cast<std::uint32_t>(bounds.Number("processes", 1'000'000, 0));
  if (!bounds.status().ok()) in.Wrong("limits", text::Message(bounds.status()));
}

json::array Array(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts)
    array.emplace_back(text);
  return array;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace

bool IsJobId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxJobIdBytes && id.front() != '.' && OnlyOf(id, "._-");
}

bool IsUserName(std::string_view name) {
  return !name.empty() && name.size() <= 32 && OnlyOf(name, "_-.") && name.front() != '-' &&
         kDigits.find(name.front()) == std::string_view::npos && name.front() != '.';
}

bool IsPackageName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && OnlyOf(name, "+.:~_=-") &&
         OnlyOf(name.substr(0, 1), "") && !name.ends_with('-');
}

bool IsUnitName(std::string_view name) {
  const auto dot = name.rfind('.');
  constexpr std::array<std::string_view, 5> kTypes = {".service", ".timer", ".socket", ".target",
                                                      ".mount"};
  return dot != std::string_view::npos && dot > 0 && name.size() <= kMaxNameBytes &&
         OnlyOf(name, ":-_.@\\") && name.front() != '-' &&
         std::find(kTypes.begin(), kTypes.end(), name.substr(dot)) != kTypes.end();
}

std::string_view KindName(JobKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

absl::StatusOr<Job> ParseJob(const json::object& object) {
  Reader in(object);
  Job job;
  job.id = in.Text("id", kMaxJobIdBytes);
  if (!IsJobId(job.id)) in.Wrong("id", "letters, digits, '.', '_' and '-' only, 128 at most");
  ReadWhatRuns(in, job);
  job.environment =
      ReadTexts(in, {"environment", kMaxVariables, kMaxArgumentBytes, &IsVariableName});
  ReadFiles(in, job);
  job.credentials_sha256 = in.Text("credentialsSha256", kMaxNameBytes);
  job.credentials =
      ReadTexts(in, {"credentials", kMaxCredentials, kMaxCredentialsBytes, &IsJobId, true});
  ReadHow(in, job);
  if (!in.status().ok()) return in.status();
  return job;
}

json::object JobJson(const Job& job) {
  json::object object{{"id", job.id}, {"type", json::string_view(KindName(job.kind).data())}};
  if (job.kind == JobKind::kScript) {
    object["interpreter"] = job.interpreter;
    object["script"] = job.script;
    object["arguments"] = Array(job.arguments);
  } else if (job.kind == JobKind::kCommand) {
    object["command"] = Array(job.arguments);
  } else {
    object["action"] = job.action;
    if (job.kind == JobKind::kPackage) object["packages"] = Array(job.names);
    if (job.kind == JobKind::kService && !job.names.empty()) object["unit"] = job.names.front();
  }
  json::object environment;
  for (const auto& [name, value] : job.environment)
    environment[name] = value;
  object["environment"] = std::move(environment);
  object["user"] = job.user;
  object["workingDirectory"] = job.working_directory;
  json::array files;
  for (const auto& file : job.files) {
    std::string encoded;
    absl::Base64Escape(file.content, &encoded);
    files.push_back(json::object{
        {"name", file.name}, {"contentBase64", encoded}, {"executable", file.executable}});
  }
  object["files"] = std::move(files);
  object["input"] = job.input;
  if (!job.credentials_sha256.empty()) object["credentialsSha256"] = job.credentials_sha256;
  json::object credentials;
  for (const auto& [name, value] : job.credentials)
    credentials[name] = value;
  if (!credentials.empty()) object["credentials"] = std::move(credentials);
  object["timeoutSeconds"] = absl::ToInt64Seconds(job.timeout);
  object["limits"] = {{"memoryBytes", job.limits.memory_bytes},
                      {"cpuPercent", job.limits.cpu_percent},
                      {"processes", job.limits.processes}};
  object["retries"] = job.retries;
  object["retryDelaySeconds"] = absl::ToInt64Seconds(job.retry_delay);
  if (job.not_before != absl::InfinitePast()) object["notBefore"] = Rfc3339(job.not_before);
  if (job.not_after != absl::InfiniteFuture()) object["notAfter"] = Rfc3339(job.not_after);
  return object;
}

}  // namespace tentacle::backend_link
